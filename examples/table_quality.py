"""A command that checks the quality of a table, and records its checks, their time and their results.

    python examples/table_quality.py orders.csv --not-null customer --unique order --between amount 0 1000

It exits with 0 when every check passed, with 1 when one failed, with 2 when the table cannot be read. Afterwards
`odibi usage` shows the checks and the command, `odibi errors` the errors, `odibi health` the health checks.
"""

import argparse
import sys
from collections.abc import Iterator
from time import perf_counter

from odibi_core import plugins
from odibi_core.checks import Check, between, not_null, row_count, unique
from odibi_core.errors import OdibiError
from odibi_core.observability import (
    add_breadcrumb,
    capture_exception,
    get_analytics,
    get_logger,
    init_observability,
    track_cli_command,
    track_performance,
)

log = get_logger("table_quality")


def checks_of(wanted: argparse.Namespace) -> Iterator[Check]:
    """Yield the checks that the command line selects."""
    yield row_count(at_least=wanted.at_least)
    for column in wanted.not_null:
        yield not_null(column)
    for column in wanted.unique:
        yield unique(column)
    for column, least, most in wanted.between:
        yield between(column, float(least), float(most))


def examine(wanted: argparse.Namespace) -> int:
    """Run every check on the table and return the number of failures."""
    add_breadcrumb(f"reading {wanted.table}", category="table")
    with track_performance("read", tags={"engine": wanted.engine}):
        table = plugins.load("engines", wanted.engine)().read(wanted.table)
    failed = 0
    for check in checks_of(wanted):
        name = f"{check.name}({check.column})" if check.column else check.name
        began = perf_counter()
        with track_performance("check", tags={"check": name}):
            result = check.check({"table": table})
        passed = result.passed is True
        failed += not passed
        about = {"table": wanted.table, "failed_rows": result.failed_rows, "total_rows": result.total_rows}
        get_analytics().track_data_quality_check(name, passed, perf_counter() - began, about)
        print(f"{'passed' if passed else 'FAILED'}  {name}: {result.message}")
    return failed


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(description="Check the quality of a table in a CSV or Parquet file.")
    parser.add_argument("table", help="the file")
    parser.add_argument("--engine", default="pandas", choices=("pandas", "polars"))
    parser.add_argument("--at-least", type=int, default=1, metavar="ROWS")
    parser.add_argument("--not-null", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--unique", action="append", default=[], metavar="COLUMN")
    parser.add_argument("--between", nargs=3, action="append", default=[], metavar=("COLUMN", "LEAST", "MOST"))
    wanted = parser.parse_args(arguments)
    init_observability()
    with track_cli_command("table_quality", vars(wanted)) as execution:
        try:
            failed = examine(wanted)
        except OdibiError as error:
            capture_exception(error, context={"table": wanted.table})
            get_analytics().end_command(execution, success=False, error=error)
            print(f"error: {error}", file=sys.stderr)
            return 2
    log.info("table_examined", table=wanted.table, failed_checks=failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
