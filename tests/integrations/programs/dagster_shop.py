"""The conformance pipeline as a job of Dagster, and assets with a check and a partition."""

import os

import pandas as pd
import shop_functions
from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    Config,
    RetryPolicy,
    StaticPartitionsDefinition,
    asset,
    asset_check,
    in_process_executor,
    job,
    multiprocess_executor,
    op,
)

if os.environ.get("SHOP_BARE") == "yes":
    odibi_op = lambda function: function  # noqa: E731
else:
    from odibi_core.integrations.dagster import odibi_op


class Fault(Config):
    fault: str


@op
@odibi_op
def load() -> pd.DataFrame:
    return shop_functions.orders()


@op
@odibi_op
def clean(orders: pd.DataFrame, config: Fault) -> pd.DataFrame:
    return shop_functions.paid(orders, config.fault)


@op(name="clean", retry_policy=RetryPolicy(max_retries=1))
@odibi_op
def clean_twice(orders: pd.DataFrame, config: Fault) -> pd.DataFrame:
    return shop_functions.paid(orders, config.fault)


@op
@odibi_op
def total(paid: pd.DataFrame) -> float:
    return shop_functions.revenue(paid)


@job(name="shop", executor_def=in_process_executor)
def shop():
    total(clean(load()))


@job(name="shop", executor_def=in_process_executor)
def shop_with_retries():
    total(clean_twice(load()))


forked = multiprocess_executor.configured({"start_method": {"forkserver": {"preload_modules": ["dagster_shop"]}}})


@job(name="shop", executor_def=forked)
def shop_in_processes():
    total(clean(load()))


@asset(partitions_def=StaticPartitionsDefinition(["2026-01-31"]))
@odibi_op
def orders(context: AssetExecutionContext) -> pd.DataFrame:
    context.log.info("two orders")
    return pd.DataFrame({"amount": [1.0, 2.0]})


@asset_check(asset=orders)
def has_orders(orders: pd.DataFrame) -> AssetCheckResult:
    return AssetCheckResult(passed=len(orders) > 5)
