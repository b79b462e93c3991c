"""The alerts of rules in the summary of a run: raised, still open, resolved, and the routes that got them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.events import Event, kinds
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST: Final = 10


class RaisedAlerts:
    """A sink that keeps the events of the alerts of rules at the end of a run."""

    kinds: Final = (kinds.ALERT_RAISED, kinds.ALERT_RESOLVED, kinds.ALERT_NOTIFIED, kinds.RULES_NOT_EVALUATED)

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.routes: dict[str, None] = {}
        self.not_evaluated: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Keep an event; an alert that the program raised itself is left out."""
        if event.event_type == kinds.ALERT_NOTIFIED:
            self.routes[str(event.fields.get("route"))] = None
        elif event.event_type == kinds.RULES_NOT_EVALUATED:
            self.not_evaluated = dict(event.fields.get("rules") or {})
        elif "alert_key" in event.fields:
            raised = event.event_type == kinds.ALERT_RAISED
            verb = ("still open" if event.fields.get("repeated") else "raised") if raised else "resolved"
            about = {"change": verb, "message": event.message, "node_name": event.node_name}
            self.found.append({**about, **event.fields})

    def lines(self, on: Console) -> list[RenderableType]:
        """Return the lines of the summary; none without a rule that fired or could not be evaluated."""
        fired = [each for each in self.found if each["change"] != "resolved"]
        lines: list[RenderableType] = []
        if fired:
            to = [f"to {', '.join(self.routes)}"] if self.routes else []
            head = f"{output.sign('failed', on)} {output.joined([plural(len(fired), 'alert'), *to], on)}"
            lines += [output.styled(""), output.styled(head, "red")]
            lines += [output.indented(_line(each), "red") for each in fired[:_MOST]]
            if len(fired) > _MOST:
                lines.append(output.indented(f"and {len(fired) - _MOST} more: `odibi alerts` lists them", "dim"))
        for each in [each for each in self.found if each["change"] == "resolved"][:_MOST]:
            lines.append(output.styled(f"{output.sign('success', on)} {each['message']}", "green"))
        for rule, reason in list(self.not_evaluated.items())[:_MOST]:
            lines.append(output.styled(f"rule {rule} was not evaluated: {reason}", "yellow"))
        return lines


def _line(alert: dict[str, Any]) -> str:
    still = "still open: " if alert["change"] == "still open" else ""
    return f"{still}{alert['message']} ({alert.get('rule')}, {alert.get('alert_id')})"
