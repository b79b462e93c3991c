"""An asynchronous flow."""

import asyncio
import logging


def rows() -> int:
    return 3


async def later(rows: int) -> int:
    await asyncio.sleep(0)
    logging.getLogger("async").warning("in a task")
    return rows


def last(later: int) -> int:
    return later + 1
