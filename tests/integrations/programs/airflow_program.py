"""Runs the Dags of `airflow_dags` by Airflow: `airflow_program.py SCENARIO,...`, all in one process.

After them it runs some without the listener, and prints whether the results are the same.
"""

import os
import shutil
import sqlite3
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def prepare(home: Path) -> None:
    """Set the configuration, with a copy of an empty database that the environment keeps."""
    home.mkdir()
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "airflow_dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(HERE / "airflow_plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API__BASE_URL": "http://airflow.example:8080",
    }
    empty = Path(sys.prefix) / "airflow.db"
    if empty.exists():
        shutil.copy(empty, home / "airflow.db")
        return
    from airflow.utils.db import initdb

    initdb()
    sqlite3.connect(home / "airflow.db").execute("VACUUM INTO ?", (str(home / "empty.db"),))
    os.replace(home / "empty.db", empty)


def run(scenario: str) -> str:
    """Run one scenario; return the states of the Dag run and of its tasks."""
    from shop import shop
    from states import states

    done = (states() if scenario == "states" else shop()).test(run_conf={"fault": scenario})
    found = sorted((ti.task_id, ti.map_index, str(ti.state), ti.try_number) for ti in done.get_task_instances())
    return f"{done.state} {found}"


def planned() -> list[str]:
    """Return the plan of the Dag in the form that the scheduler has."""
    from airflow.serialization.serialized_objects import DagSerialization
    from shop import shop

    from odibi_core.integrations.airflow_run import plan_of

    return [node.name for node in plan_of(DagSerialization.deserialize_dag(DagSerialization.serialize_dag(shop())))]


def without_listeners() -> None:
    """Remove every listener, those of this project."""
    from airflow.listeners.listener import get_listener_manager as of_scheduler
    from airflow.sdk.listener import get_listener_manager as of_tasks

    of_scheduler().clear()
    of_tasks().clear()
    os.environ["SHOP_RECORDED"] = ""


def main(scenarios: list[str]) -> None:
    """Run all scenarios, and some again without the listener."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Airflow writes its log to standard output
    prepare(Path.cwd() / "home")
    os.environ["SHOP_RECORDED"] = "1"
    sys.path.insert(0, str(HERE / "airflow_dags"))
    recorded = {scenario: run(scenario) for scenario in scenarios}
    print(planned(), file=out)
    without_listeners()
    for scenario in ("success", "failure"):
        bare = run(scenario)
        print(scenario, "is the same" if bare == recorded[scenario] else f"{bare} != {recorded[scenario]}", file=out)


if __name__ == "__main__":
    main(sys.argv[1].split(","))
