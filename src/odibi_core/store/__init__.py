"""Stores of events: the journal of a run, the log file of a program, memory; and SQL over them.

The journal is the record of a run: every view, the story and the metrics can be computed from it again.
"""
