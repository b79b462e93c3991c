"""Decoration of functions, methods, coroutines, generators and classes, which keep their kind, name and signature.

`decorate` finds the function in a method, a property or a class. `wrap_callable` observes its calls.
`wrap_in_context` runs them in a copied context.
"""

__all__ = ["callables", "calls", "in_context"]
