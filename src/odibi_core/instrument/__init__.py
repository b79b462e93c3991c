"""Instruments for code of every kind: timing, stages of a stream, circuit breakers, usage of commands and features."""

__all__ = ["circuit_breaker", "performance", "stage_batch", "stages", "usage"]
