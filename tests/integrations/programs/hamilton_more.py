"""Runs the forms of a driver beside the plain one: `hamilton_more.py`. Each is a run of its own name."""

import asyncio

import hamilton_async
import hamilton_forms
import hamilton_parallel
import pandas as pd
from hamilton import async_driver, driver
from hamilton.execution import executors

from odibi_core.integrations.hamilton import AsyncOdibiAdapter, OdibiAdapter


def parallel(executor: executors.TaskExecutor, name: str) -> None:
    builder = driver.Builder().with_modules(hamilton_parallel)
    builder = builder.enable_dynamic_execution(allow_experimental_mode=True).with_remote_executor(executor)
    found = builder.with_adapters(OdibiAdapter(name)).build().execute(["squares"], inputs={"rows": 4})
    assert found == {"squares": 14}


async def asynchronous() -> None:
    builder = async_driver.Builder().with_modules(hamilton_async).with_adapters(AsyncOdibiAdapter("async"))
    assert await (await builder.build()).execute(["last"]) == {"last": 4}


def main() -> None:
    forms = driver.Builder().with_modules(hamilton_forms)
    plain = forms.copy().with_adapters(OdibiAdapter("checked")).build()
    plain.execute(["checked"], inputs={"rows": 200})
    plain.execute(["checked"], inputs={"rows": 2}, overrides={"orders": pd.DataFrame({"amount": [1.0]})})
    for _ in range(2):
        cached = forms.copy().with_cache("cache").with_adapters(OdibiAdapter("cached"))
        cached.build().execute(["orders"], inputs={"rows": 2})
    parallel(executors.MultiThreadingExecutor(2), "threads")
    parallel(executors.MultiProcessingExecutor(2), "processes")
    asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
