"""Runs the conformance pipeline by Dagster: `dagster_program.py SCENARIO,SCENARIO [bare]`, in one process."""

import os
import sys
from pathlib import Path

HANDLER = """
python_logs:
  dagster_handler_config:
    handlers:
      odibi:
        class: odibi_core.integrations.dagster.OdibiHandler
"""


def main(scenarios: list[str], is_bare: bool) -> None:
    home = Path("dagster").absolute()
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n" + ("" if is_bare else HANDLER))
    os.environ.update(DAGSTER_HOME=str(home), SHOP_BARE="yes" if is_bare else "no")
    os.environ["PYTHONPATH"] = f"{Path(__file__).parent}{os.pathsep}{os.environ['PYTHONPATH']}"  # of the step processes
    import dagster_shop  # after the variables, which it reads
    from dagster import DagsterInstance, execute_job, materialize, reconstructable

    jobs = {"retry": dagster_shop.shop_with_retries, "processes": dagster_shop.shop_in_processes}
    with DagsterInstance.get() as instance:
        for scenario in scenarios:
            if scenario == "assets":
                assets = [dagster_shop.orders, dagster_shop.has_orders]
                print(materialize(assets, instance=instance, partition_key="2026-01-31").success)
                continue
            job = reconstructable(jobs.get(scenario, dagster_shop.shop))
            config = {"ops": {"clean": {"config": {"fault": scenario}}}}
            with execute_job(job, instance, run_config=config, tags={"fault": scenario}) as done:
                print(done.success)


if __name__ == "__main__":
    main(sys.argv[1].split(","), sys.argv[2:] == ["bare"])
