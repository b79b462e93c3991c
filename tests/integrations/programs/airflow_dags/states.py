"""A Dag whose tasks reach every state that a task of Airflow can end in."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
from airflow.sdk import PokeReturnValue, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

import odibi_core


def one():
    return [1]


@dag(schedule=None)
def states():
    @task
    def numbers():
        return [1, 2, 3]

    @task(retries=1, retry_delay=timedelta(0))
    def double(number):
        if number == 2 and get_current_context()["ti"].try_number == 1:
            raise ConnectionError("no answer")
        return number * 2

    @task
    def nested():
        odibi_core.run([one], pipeline_name="nested")

    @task.branch
    def choose():
        return "chosen"

    @task
    def chosen():
        pd.DataFrame({"number": [1, 2]}).to_csv("seen.csv", index=False)

    @task
    def other():
        pass

    @task
    def broken():
        raise ValueError("broken")

    @task
    def after_broken():
        pass

    @task
    def skips():
        raise AirflowSkipException("nothing to do")

    @task
    def exits():
        raise SystemExit(3)

    @task.sensor(mode="reschedule", poke_interval=0.01)
    def waits():
        is_second = Path("waited").exists()
        Path("waited").touch()
        return PokeReturnValue(is_done=is_second)

    double.expand(number=numbers())
    choose() >> [chosen(), other()]
    broken() >> after_broken()
    [nested(), skips(), exits(), waits()]


states()
