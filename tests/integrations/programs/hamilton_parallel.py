"""A flow with a task for each item."""

from hamilton.htypes import Collect, Parallelizable


def number(rows: int) -> Parallelizable[int]:
    yield from range(rows)


def square(number: int) -> int:
    return number * number


def squares(square: Collect[int]) -> int:
    return sum(square)
