"""Runs the conformance pipeline by Hamilton: `hamilton_program.py SCENARIO [bare]`; bare is without the adapter."""

import sys

import hamilton_flow
from hamilton import driver


def main(scenario: str, is_bare: bool) -> None:
    builder = driver.Builder().with_modules(hamilton_flow)
    if not is_bare:
        from odibi_core.integrations.hamilton import OdibiAdapter

        builder = builder.with_adapters(OdibiAdapter("shop"))
    print(builder.build().execute(["total"], inputs={"rows": 100, "fault": scenario})["total"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["bare"])
