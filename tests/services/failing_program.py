"""A program with every exporter switched on by its environment: a pipeline that fails, served until stdin ends."""

import os
import sys

from apprise.plugins.slack import NotifySlack

from odibi_core import Step, checks, run
from odibi_core.observability import capture_exception, get_logger, init_observability


def orders() -> list[dict[str, int]]:
    return [{"id": 1, "amount": 20}, {"id": 2, "amount": 35}]


def total(orders: list[dict[str, int]]) -> list[dict[str, int]]:
    get_logger("shop").warning("customer_missing", customer="ada@canary.example", order=2)
    raise LookupError("order 2 of ada@canary.example has no customer")


def main() -> None:
    """Run the pipeline twice: the second time it fails."""
    NotifySlack.webhook_url = os.environ["SLACK_ON_LOOPBACK"]
    init_observability()
    ready = Step(name="orders", value=orders, checks=[checks.not_null("amount")], outputs={"out": "data/orders.csv"})
    run([ready], pipeline_name="nightly")
    failing = Step(name="total", value=total, inputs={"orders": "data/orders.csv"})
    if not run([ready, failing], pipeline_name="nightly", raise_on_error=False)["success"]:
        capture_exception(RuntimeError("the report of tonight is missing"))
    print("ended", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
