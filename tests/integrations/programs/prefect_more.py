"""Runs the forms of Prefect that the conformance pipeline lacks: `prefect_more.py`."""

import asyncio
import logging

from prefect import flow, task
from prefect.cache_policies import INPUTS

from odibi_core.integrations.prefect import odibi_flow, odibi_task


@task(cache_policy=INPUTS, persist_result=True)
@odibi_task
def square(number: int) -> int:
    return number * number


@flow
@odibi_flow
def mapped() -> int:
    return sum(square.map([1, 2, 3]).result())


@task
@odibi_task
async def later(number: int) -> int:
    await asyncio.sleep(0)
    logging.getLogger("more").warning("in a task")
    return number + 1


@flow
@odibi_flow
def inner(number: int) -> int:
    return square(number)


@flow
@odibi_flow(name="outside", tags={"team": "sales"}, partition="2026-01-31")
def outer() -> int:
    return inner(1)


@flow
@odibi_flow
async def asynchronous() -> int:
    return await later(1)


if __name__ == "__main__":
    assert (mapped(), mapped()) == (14, 14)
    assert outer() == 1
    assert asyncio.run(asynchronous()) == 2
    assert square.fn(2) == 4
