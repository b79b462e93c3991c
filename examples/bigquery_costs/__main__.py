"""A command that estimates the cost of a query, enforces a limit, and records the actual cost.

    python examples/bigquery_costs --demo "SELECT country, orders FROM sales.orders" --max-usd 5 --run
    odibi costs

`--demo` uses a fake BigQuery on this machine; without it, the account of `gcloud auth application-default login`.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from typing import Any

from bigquery_fake import FakeBigQuery
from demo_warehouse import answer

from odibi_core.observability import (
    CostLimitError,
    Estimate,
    get_logger,
    init_observability,
    observe_bigquery,
    track_cli_command,
)

log = get_logger("bigquery_costs")


def main(given: list[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if the query exceeds the limit, 2 if BigQuery refuses it."""
    args = arguments(given)
    init_observability()
    try:
        with ExitStack() as stack, track_cli_command("bigquery-costs", {"demo": args.demo, "run": args.run}):
            client = stack.enter_context(FakeBigQuery(answer)).client() if args.demo else own_client(args)
            limits = {"max_usd": args.max_usd, "prices": args.price}
            observed = stack.enter_context(observe_bigquery(client, operation="cost_estimator", **limits))
            estimate_and_run(observed, args)
    except CostLimitError as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:
        reason = str(getattr(error, "message", error)).strip().splitlines()[0]
        print(f"BigQuery refused it: {reason}", file=sys.stderr)
        return 2
    return 0


def estimate_and_run(observed: Any, args: argparse.Namespace) -> None:
    """Print the estimate of the query and, with `--run`, run it; a query above the limit raises CostLimitError."""
    estimate = observed.estimate(args.sql)
    log.info("estimated", bytes_processed=estimate.bytes_processed, usd=estimate.usd, tables=estimate.tables)
    show(estimate)
    if args.run:
        rows = list(observed.query(args.sql).result())
        print(f"run:    {len(rows)} rows; `odibi costs` has what it did cost")


def show(estimate: Estimate) -> None:
    """Print the estimate as text."""
    print(f"reads:  {estimate.bytes_processed / 2**30:,.2f} GiB of {', '.join(estimate.tables) or 'no table'}")
    print(f"costs:  {estimate}")
    if estimate.note:
        print(f"note:   {estimate.note}")


def own_client(args: argparse.Namespace) -> Any:
    """Return the client of Google with the default account of this machine."""
    from google.cloud import bigquery

    options = {"api_endpoint": args.endpoint} if args.endpoint else None
    return bigquery.Client(project=args.project, client_options=options)


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="bigquery_costs", description="What will this query cost?")
    parser.add_argument("sql", help="the query")
    parser.add_argument("--demo", action="store_true", help="ask a BigQuery on this machine; no account is needed")
    parser.add_argument("--run", action="store_true", help="run it, if it keeps to the limit")
    parser.add_argument("--max-usd", type=float, metavar="USD", help="what it may cost")
    parser.add_argument("--price", type=float, metavar="USD", help="dollars for a TiB, where yours is not public")
    parser.add_argument("--project", help="whose BigQuery (default: the one that you are logged in to)")
    parser.add_argument("--endpoint", metavar="URL", help="another BigQuery, such as an emulator")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
