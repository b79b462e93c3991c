"""The conformance pipeline as a Dag of Airflow; the scenario is the conf of the Dag run."""

import logging
import os
from datetime import timedelta

import pandas as pd
from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException


def defaults():
    if not os.environ.get("SHOP_RECORDED"):
        return {}
    from odibi_core.integrations.airflow import record_result

    return {"post_execute": record_result}


def fault():
    return get_current_context()["dag_run"].conf.get("fault")


@task
def load():
    return pd.DataFrame({"amount": [float(number % 4) for number in range(100)]})


@task(retries=1, retry_delay=timedelta(0))
def clean(orders):
    attempt = get_current_context()["ti"].try_number
    if fault() == "failure" or (fault() == "retry" and attempt == 1):
        raise ValueError("amount must be positive")
    if fault() == "skip":
        raise AirflowSkipException("no orders")
    logging.getLogger("shop").info("cleaning %s rows", len(orders))
    return orders[orders.amount > 0]


@task
def total(paid):
    return float(paid.amount.sum())


def shop():
    with DAG("shop", schedule=None, default_args=defaults(), tags=["sales"]) as dag:
        total(clean(load()))
    return dag


found_by_airflow = shop()
