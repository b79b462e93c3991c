"""Runs the conformance pipeline by Prefect: `prefect_program.py SCENARIO,SCENARIO [bare]`, in one process."""

import sys

import pandas as pd
import shop_functions
from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

SCENARIOS, IS_BARE = sys.argv[1].split(","), sys.argv[2:] == ["bare"]
if IS_BARE:
    odibi_flow = odibi_task = lambda function: function
else:
    from odibi_core.integrations.prefect import odibi_flow, odibi_task


@task
@odibi_task
def load(rows: int) -> pd.DataFrame:
    return shop_functions.orders(rows)


@task(retries=2, retry_condition_fn=lambda task, run, state: "once" in str(state.message))
@odibi_task
def clean(orders: pd.DataFrame, fault: str) -> pd.DataFrame:
    return shop_functions.paid(orders, fault)


@task
@odibi_task
def total(paid: pd.DataFrame) -> float:
    return shop_functions.revenue(paid)


@flow
@odibi_flow
def shop(rows: int, fault: str) -> float:
    orders = load.submit(rows)
    return total.submit(clean.submit(orders, fault)).result()


if __name__ == "__main__":
    for scenario in SCENARIOS:
        runner = ProcessPoolTaskRunner if scenario == "processes" else ThreadPoolTaskRunner
        print(shop.with_options(task_runner=runner(max_workers=1))(100, scenario, return_state=True).type.value)
