"""Decoration of functions, coroutines, generators and callable objects, which stay what they are."""

__all__ = ["callables", "flows"]
