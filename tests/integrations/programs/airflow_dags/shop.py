"""The conformance pipeline as a Dag of Airflow; the scenario is the conf of the Dag run."""

import os
from datetime import timedelta

import shop_functions
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
    return shop_functions.orders()


@task(retries=1, retry_delay=timedelta(0))
def clean(orders):
    if fault() == "skip":
        raise AirflowSkipException("no orders")
    return shop_functions.paid(orders, fault())


@task
def total(paid):
    return shop_functions.revenue(paid)


def shop():
    with DAG("shop", schedule=None, default_args=defaults(), tags=["sales"]) as dag:
        total(clean(load()))
    return dag


found_by_airflow = shop()
