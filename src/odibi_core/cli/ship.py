"""`odibi ship`: the lines of recorded runs, sent to another system of logs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odibi_core.cli import exits, options, output, record
from odibi_core.cli.times import moment
from odibi_core.errors import ConfigurationError, StoreError, nearest
from odibi_core.settings import get_config

if TYPE_CHECKING:
    from odibi_core.log_shipping.record import Shipped
    from odibi_core.log_shipping.targets import Target
    from odibi_core.store.runs import RunStore


class LevelName(StrEnum):
    """A level of the log."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"
    critical = "critical"


def ship(
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="loki, elastic, syslog or journald.", show_default=False)
    ],
    to: Annotated[
        str | None, typer.Option("--to", metavar="ADDRESS", help="URL or socket.", show_default="settings")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Only runs with lines since: 2d, 10:00.")
    ] = None,
    run: options.OnlyRun = None,
    level: Annotated[
        LevelName | None, typer.Option("--level", metavar="LEVEL", help="Lowest level.", show_default="settings")
    ] = None,
    give_up_after: Annotated[
        float, typer.Option("--give-up", metavar="SECONDS", min=0, help="Seconds of retries.")
    ] = 60.0,
    again: Annotated[bool, typer.Option("--again", help="Send also what was sent before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent; send nothing.")] = False,
    format: options.Format = options.TextOrJson.text,
    store: options.Store = None,
) -> None:
    """Send the lines of recorded runs to another system of logs.

    Lines that the system took are not sent again: the position of each run is
    saved in the store. A killed command sends its last batch twice, which
    Loki and Elasticsearch store once. A run that goes on is sent up to now.

    odibi ship loki --to http://localhost:3100 --since 1d
    odibi ship syslog --dry-run
    """
    from odibi_core.log_shipping.record import RecordShipping, runs_since
    from odibi_core.log_shipping.targets import TARGETS, shown

    if run and since:
        raise ConfigurationError("--since has no effect with --run; leave it out")
    if target not in TARGETS:
        raise ConfigurationError(
            f"TARGET must be one of {', '.join(TARGETS)}, got {target!r}{nearest(target, TARGETS)}"
        )
    config, system = get_config(), TARGETS[target]
    lowest = level.value if level else system.level(config)
    address = system.address_in(config, to)
    receiver = system.receiver(config, address)
    kept = record.open_store(store)
    run_ids = [record.find(kept, run)] if run else runs_since(kept, moment(since, "--since"))
    if dry_run:
        _print_lines(kept, run_ids, receiver, lowest)
        return
    with _progress(len(run_ids)) as on_sent:
        shipping = RecordShipping(
            kept, receiver, _positions(kept, system, address, again=again), _send(give_up_after),
            level=lowest, on_sent=on_sent,
        )  # fmt: skip
        try:
            shipped = shipping.ship(run_ids)
        except OSError as error:
            raise StoreError(f"the position cannot be saved: {output.reason(error)}") from error
    _answer(shipped, target, shown(address), kept, format)


def _positions(kept: RunStore, system: Target, address: str, *, again: bool) -> Any:
    from odibi_core.log_shipping.positions import Positions

    found = Positions(kept.root, system.name, address)
    if again:
        found.forget()
    return found


def _send(give_up_s: float) -> Any:
    from odibi_core.delivery.attempts import send_now

    return lambda receiver, batch: send_now(receiver, batch, give_up_s=give_up_s)


def _print_lines(kept: RunStore, run_ids: list[str], receiver: Any, level: str) -> None:
    """Print each line in the form of the system, one after the other."""
    from odibi_core.events.kinds import SEVERITY
    from odibi_core.log_shipping.live import is_sent

    for _, events in record.read_many(kept, run_ids):
        for event in events:
            if is_sent(event, SEVERITY[level]):
                sys.stdout.write(output.for_stdout(receiver.shown(event).rstrip("\n")) + "\n")


@contextmanager
def _progress(runs: int) -> Iterator[Any]:
    """Show the lines that are sent, on a terminal."""
    on = output.console(sys.stderr)
    if not output.is_live(on):
        yield lambda shipped: None
        return
    with on.status(f"shipping {output.count(runs, 'runs')}") as status:
        yield lambda shipped: status.update(f"shipping {output.count(runs, 'runs')}: {shipped.sent:,} lines sent")


def _answer(shipped: Shipped, name: str, where: str, kept: RunStore, format: options.TextOrJson) -> None:
    lost = shipped.refused.total()
    if format is options.TextOrJson.json:
        output.write_json(
            {
                "store": str(kept.root), "target": name, "to": where, "runs": shipped.runs, "read": shipped.read,
                "sent": shipped.sent, "refused": dict(shipped.refused), "unsent": shipped.unsent,
                "problem": shipped.problem or None, "unreadable": shipped.unreadable,
            }
        )  # fmt: skip
    else:
        output.notice(f"{shipped.sent:,} lines of {output.count(shipped.runs, 'runs')} sent to {where}")
        if lost:
            reasons = ", ".join(f"{number:,} {reason}" for reason, number in shipped.refused.items())
            output.complain(f"{name} refused {lost:,} lines for good ({reasons}): {shipped.problem}")
    if shipped.unreadable:
        output.notice(f"{shipped.unreadable:,} lines of the record could not be read")
    if shipped.unsent:
        output.complain(f"{shipped.problem}; the next call continues here")
        raise typer.Exit(exits.UNREADABLE)
    if lost:
        raise typer.Exit(exits.FAILED)
