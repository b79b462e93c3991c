"""Column lineage: the columns of its inputs that each column of a frame comes from, by SQL, by content, by declaration.

`base` has the findings, in the form of the event; each method is one module.
"""
