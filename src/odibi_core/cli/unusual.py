"""The unusual findings of a run in its summary, in amber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.events import Event
from odibi_core.events.kinds import ANOMALY
from odibi_core.views.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST: Final = 10
_MOST_FOLLOWING: Final = 3


class Findings:
    """A sink that keeps the `anomaly` events of a run; those that a mute covers are only counted."""

    kinds: Final = (ANOMALY,)

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.muted = 0

    def __call__(self, event: Event) -> None:
        if event.fields.get("muted"):
            self.muted += 1
        else:
            self.found.append({"node_name": event.node_name, "message": event.message, **event.fields})

    def lines(self, on: Console) -> list[RenderableType]:
        """Return the findings as lines, each with those that follow from it; none for a usual run."""
        from odibi_core.history.noticing.folding import folded

        roots = folded(self.found, ())
        if not roots:
            return []
        shown = [plural(len(roots), "unusual finding"), *([f"{self.muted} muted"] if self.muted else [])]
        lines: list[RenderableType] = [
            output.styled(""),
            output.styled(f"{output.sign('warning', on)} {output.joined(shown, on)}", "yellow"),
        ]
        for root, follows in roots[:_MOST]:
            lines.append(output.indented(root["message"], "yellow"))
            lines += [output.indented(f"follows: {each['message']}", "dim", 4) for each in follows[:_MOST_FOLLOWING]]
            if len(follows) > _MOST_FOLLOWING:
                lines.append(output.indented(f"and {len(follows) - _MOST_FOLLOWING} more that follow", "dim", 4))
            lines.append(output.indented(f"`odibi ack {root.get('alert_id')}` if this is as it should be", "dim", 4))
        if len(roots) > _MOST:
            lines.append(output.indented(f"and {len(roots) - _MOST} more: `odibi watch` lists them", "dim"))
        return lines
