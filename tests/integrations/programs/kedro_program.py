"""Runs the conformance pipeline by the command of Kedro: `kedro_program.py SCENARIO [bare]`."""

import os
import shutil
import sys
from pathlib import Path

OPTIONS = {"processes": ["--runner", "ParallelRunner"], "part": ["--tags", "reading"]}


def main(scenario: str, is_bare: bool) -> None:
    project = Path("project")
    shutil.copytree(Path(__file__).parent / "kedro_project", project)
    os.chdir(project)
    os.environ.update(
        SHOP_BARE="yes" if is_bare else "no", KEDRO_DISABLE_TELEMETRY="yes", KEDRO_LOGGING_CONFIG="conf/logging.yml"
    )
    from kedro.framework.cli.cli import main as kedro  # after the variables, which it reads

    sys.argv = ["kedro", "run", "--params", f"fault={scenario}", *OPTIONS.get(scenario, [])]
    kedro()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["bare"])
