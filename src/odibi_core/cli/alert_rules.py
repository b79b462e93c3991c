"""`odibi alerts rules`, `check` and `test`: the rules in force, their evaluation now, and their dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from odibi_core.cli import exits, options, output, record, times
from odibi_core.errors import ConfigurationError, nearest
from odibi_core.events import sanitize_value
from odibi_core.events.clock import utc_now
from odibi_core.settings import environment_value, read_settings
from odibi_core.views.wording import plural, short_id

if TYPE_CHECKING:
    from odibi_core.alerts.checking import Checked
    from odibi_core.alerts.dry_run import Occasion
    from odibi_core.alerts.notifying import Notification
    from odibi_core.alerts.rulebook import Rulebook
    from odibi_core.history.index import Index
    from odibi_core.rules.base import Rule
    from odibi_core.rules.facts import RunFacts
    from odibi_core.store.runs import RunStore

RulesFile = Annotated[
    str | None, typer.Option("--rules", metavar="PATH", help="File or folder of rules.", show_default=False)
]
_SEND_WITHIN_S = 20.0
_VERBS = {"alert_raised": "raised", "alert_resolved": "resolved", "alert_escalated": "escalated"}


def open_book(path: str | None, *, required: bool = True) -> Rulebook:
    """Return the rules of `--rules`, else of the setting.

    Raises:
        ConfigurationError: A rule is wrong, or there is none.
    """
    from odibi_core.alerts.rulebook import read_rules
    from odibi_core.select_only import check_text

    book = read_rules(path or read_settings().alerts.rules)
    for rule in book.rules:
        if (query := getattr(rule, "query", None)) is not None:
            check_text(query)
    if required and not book:
        raise ConfigurationError(
            "alerts.rules must name a file or a folder of rules: set ODIBI_ALERTS__RULES=rules, or give --rules"
        )
    return book


def rules(path: RulesFile = None, format: options.Format = options.TextOrJson.text) -> None:
    """List the rules, routes and silences in force.

    Every file is validated: the error names the file, the rule, the key, the
    value that was given and what would be right.
    """
    book = open_book(path)
    _check_routes(book)
    if format is options.TextOrJson.json:
        listed = [{"kind": rule.kind, **msgspec.to_builtins(rule)} for rule in book.rules]
        routes = [_without_secrets(msgspec.to_builtins(route)) for route in book.routes]
        silences = msgspec.to_builtins(book.silences)
        output.write_json(
            sanitize_value({"rules": listed, "routes": routes, "silences": silences, "files": list(book.files)})
        )
        return
    on = output.console()
    table = output.table("Rule", "Kind", "Severity", "Pipeline", "When", "Owner", whole=("Kind", "Severity"))
    for rule in book.rules:
        when = {"run": "end of run", "store": "check"}
        table.add_row(
            output.cell(rule.name, "bold" if rule.enabled else "dim"), output.cell(rule.kind),
            output.cell(rule.severity, output.STYLES.get(rule.severity, "")),
            output.cell(_listed(rule.pipeline)),
            output.cell(", ".join(when[each] for each in rule.of_what) if rule.enabled else "disabled", "dim"),
            output.cell(rule.owner),
        )  # fmt: skip
    output.write(on, table)
    if book.routes:
        table = output.table("Route", "To", "From severity", "Groups by", "Every")
        for route in book.routes:
            every = f"digest {route.digest}" if route.digest else route.interval
            table.add_row(
                output.cell(route.name, "bold"), output.cell(route.target), output.cell(route.severity),
                output.cell(", ".join(route.group_by) or "nothing"), output.cell(every),
            )  # fmt: skip
        output.write(on, "", table)
    else:
        output.notice("no route is configured: alerts are recorded and sent nowhere")
    for problem in _not_set(book):
        output.notice(problem)
    if book.silences:
        output.notice(f"{plural(len(book.silences), 'silence')} in {', '.join(book.files)}")


def _check_routes(book: Rulebook) -> None:
    """Make the receiver of each route whose variables are set.

    Raises:
        ConfigurationError: The address of one of them is none.
    """
    from odibi_core.alerts.receivers import NotConfiguredError, send_of

    for route in book.routes:
        try:
            send_of(route)
        except NotConfiguredError:
            continue  # a notice names the variable


def _not_set(book: Rulebook) -> Iterator[str]:
    """Yield a sentence for each variable of a route that is not set here."""
    for route in book.routes:
        for name in route.secrets():
            if not environment_value(name):
                yield f"route {route.name!r} reads the variable {name}, which is not set here"


def _without_secrets(route: dict[str, Any]) -> dict[str, Any]:
    """Return a route as it may be shown: an address of `env:NAME` as it is, another one by its kind alone."""
    for name in ("url", "alertmanager", "webhook"):
        value = route[name]
        if value and not value.startswith("env:"):
            route[name] = f"{value.partition('://')[0]}://********"
    headers = route["headers"].items()
    route["headers"] = {name: value if value.startswith("env:") else "********" for name, value in headers}
    return route


def _listed(patterns: Any) -> str:
    return patterns if isinstance(patterns, str) else ", ".join(patterns)


def check(
    path: RulesFile = None,
    exit_on_open: Annotated[bool, typer.Option("--exit-on-open", help="Exit with code 5 if an alert is open.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Evaluate the rules about late, stale, lost and queried runs, now.

    Call it from cron. It also sends what waits: notifications of a group
    whose interval is over, digests, reminders, escalations, and what a
    receiver that was down did not take.
    """
    from odibi_core.alerts import checking, outbox

    book = open_book(path)
    if not read_settings().alerts.enabled:
        output.notice("nothing is evaluated and sent, because ODIBI_ALERTS__ENABLED is false")
        return
    kept = record.open_store(store, ship_wait_s=30.0)
    with record.indexed(kept) as index:
        health = _health(book)
        with output.waiting("evaluating the rules"):
            found = checking.check(index, book, utc_now(), select(kept), health)
    left = outbox.finish(kept.root, book, _SEND_WITHIN_S)
    open_alerts = [alert for alert in found.states.open() if alert.acknowledged is None]
    if format is options.TextOrJson.json:
        output.write_json({**_checked(found, len(open_alerts)), "waiting": msgspec.to_builtins(left)})
    else:
        _show_changes(found.changes)
        for each in found.notifications:
            output.notice(_sent(each))
        output.notice(plural(len(open_alerts), "open alert"))
        for waiting in left:
            words = plural(waiting.notifications, "notification")
            output.notice(f"{words} for {waiting.route} wait in the store: {waiting.reason}")
    for rule, reason in found.not_evaluated.items():
        output.complain(f"rule {rule!r} was not evaluated: {reason}")
    if found.not_evaluated:
        raise typer.Exit(exits.FAILED)
    if exit_on_open and open_alerts:
        raise typer.Exit(exits.UNUSUAL)


def _health(book: Rulebook) -> dict[str, tuple[str, str]]:
    """Return the results of the health checks, which are made only if a rule is about them."""
    if not any(rule.kind == "health" and rule.enabled for rule in book.rules):
        return {}
    from odibi_core.observability import run_health_checks

    with output.waiting("running the checks"), output.aside():
        report = run_health_checks()
    return {name: (each["status"], str(each.get("message") or "")) for name, each in report["checks"].items()}


def select(kept: RunStore) -> Callable[[str, int], Iterator[dict[str, Any]]]:
    """Return a function that answers a query over the history, in a process of its own."""

    def rows(query: str, most: int) -> Iterator[dict[str, Any]]:
        from odibi_core.history.history import History

        yield from History(kept.root).sql(query, isolated=True).rows[:most]

    return rows


def _checked(found: Checked, number: int) -> dict[str, Any]:
    changes = [{"change": _VERBS[each.kind], "message": each.message, **each.fields} for each in found.changes]
    sent = [_notification(each) for each in found.notifications]
    return {"open": number, "changes": changes, "notifications": sent, "not_evaluated": found.not_evaluated}


def _notification(each: Notification) -> dict[str, Any]:
    """Return a notification as JSON values, without its text."""
    ids = [alert.alert_id for alert in each.alerts]
    return {"route": each.route, "reason": each.reason, "notification_id": each.notification_id, "alert_ids": ids}


def _sent(each: Notification) -> str:
    return f"{plural(len(each.alerts), 'alert')} to {each.route}: {each.reason}"


def _show_changes(changes: Sequence[Any]) -> None:
    on = output.console()
    for each in changes:
        verb = _verb(each)
        style = "green" if verb == "resolved" else output.STYLES.get(each.level, "")
        output.write(on, output.indented(f"{_line(each, verb)} ({each.fields['rule']})", style, 0))


def _verb(change: Any) -> str:
    return "still open" if change.fields.get("repeated") else _VERBS[change.kind]


def _line(change: Any, verb: str) -> str:
    return change.message if verb == "resolved" else f"{verb}: {change.message}"


def try_rule(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Name of a rule; all for every rule.")],
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="Runs of each pipeline.")] = 20,
    path: RulesFile = None,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Show what a rule would have done at the end of the last runs.

    Nothing is recorded and nothing is sent. The routes that would have got a
    notification are named, with the number of alerts in it.
    """
    from odibi_core.alerts import checking, dry_run

    book = _only(open_book(path), rule)
    kept = record.open_store(store)
    with record.indexed(kept) as index:
        found = list(dry_run.over_runs(book, _runs(kept, index, book.rules, last)))
        if any("store" in each.of_what for each in book.rules):
            facts = checking.store_facts(index, utc_now(), book.rules, select(kept), _health(book))
            found.append(dry_run.over_store(book, facts))
    if format is options.TextOrJson.json:
        output.write_json([_occasion(book, each) for each in found])
        return
    _show_occasions(book, found)


def _only(book: Rulebook, name: str) -> Rulebook:
    if name == "all":
        return book
    known = book.by_name
    if name not in known:
        got = f"got {name!r}{nearest(name, known)}; there are: {', '.join(known) or 'none'}"
        raise ConfigurationError(f"RULE must be the name of a rule, {got}")
    return msgspec.structs.replace(book, rules=(known[name],))


def _runs(kept: RunStore, index: Index, rules: Sequence[Rule], last: int) -> Iterator[RunFacts]:
    """Yield the facts of the last runs of each pipeline that a rule applies to, the oldest first."""
    from odibi_core.alerts.dry_run import facts_of
    from odibi_core.history.index import RunFilter
    from odibi_core.rules.patterns import matcher

    rows: list[dict[str, Any]] = []
    for name in index.pipelines():
        if any(matcher(rule.pipeline)(name) for rule in rules):
            rows += index.runs(RunFilter(pipeline_name=name), limit=last)
    rows.sort(key=lambda row: (row["last_event"], row["run_id"]))
    for run_id, events in record.read_many(kept, [row["run_id"] for row in rows]):
        facts = facts_of(index, run_id, events, rules)
        if facts is not None:
            yield facts


def _with_text(book: Rulebook, each: Notification, at: datetime) -> dict[str, Any]:
    title, body = _text_of(book, each, at)
    return {**_notification(each), "title": title, "body": body}


def _text_of(book: Rulebook, each: Notification, at: datetime) -> tuple[str, str]:
    """Return the title and the text that a notification would have."""
    from odibi_core.alerts.messages import payloads_of, title_and_body
    from odibi_core.alerts.neutral import plain

    route = book.route(each.route)
    assert route is not None
    return title_and_body(payloads_of(each, book.by_name, at)[0], route, plain)


def _occasion(book: Rulebook, each: Occasion) -> dict[str, Any]:
    changes = [{"change": _VERBS[one.kind], "message": one.message, **one.fields} for one in each.changes]
    return {
        "run_id": each.run_id, "pipeline_name": each.pipeline_name, "at": each.at, "status": each.status,
        "changes": changes, "notifications": [_with_text(book, one, each.at) for one in each.notifications],
        "not_evaluated": each.not_evaluated,
    }  # fmt: skip


def _show_occasions(book: Rulebook, found: Sequence[Occasion]) -> None:
    on = output.console()
    fired = 0
    for each in found:
        fired += any(one.kind == "alert_raised" for one in each.changes)
        name = f"{each.pipeline_name} {each.status}" if each.run_id else "the store now"
        state = "warning" if each.changes else "success"
        parts = [times.at_second(each.at), *([f"run {short_id(each.run_id)}"] if each.run_id else [])]
        head = f"{output.sign(state, on)} {name}  {output.joined(parts, on)}"
        output.write(on, output.styled(head, output.STYLES[state]))
        for one in each.changes:
            output.write(on, output.indented(_line(one, _verb(one)), "", 4))
        for sent in each.notifications:
            title, body = _text_of(book, sent, each.at)
            output.write(on, output.indented(f"would send {_sent(sent)}: {title}", "dim", 4))
            output.write(on, *(output.indented(line, "dim", 6) for line in body.splitlines()))
        for rule, reason in each.not_evaluated.items():
            output.write(on, output.indented(f"{rule} was not evaluated: {reason}", "yellow", 4))
    output.notice(f"{fired} of {plural(len(found), 'occasion')} with an alert; nothing was recorded or sent")
