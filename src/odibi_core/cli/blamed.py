"""The first step that differs from the last good run, in the summary of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odibi_core.cli import output
from odibi_core.events import Event
from odibi_core.events.kinds import BLAME

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_MOST: Final = 4


class BlamedStep:
    """A sink that keeps the `blame` event of a run."""

    kinds: Final = (BLAME,)

    def __init__(self) -> None:
        self.found: dict[str, Any] | None = None

    def __call__(self, event: Event) -> None:
        about = {"sentence": event.message, "step": event.node_name, "run_id": event.run_id}
        self.found = {**about, **event.fields}

    def lines(self, on: Console) -> list[RenderableType]:
        """Return the sentence and its evidence as lines; none if nothing was unusual."""
        if self.found is None:
            return []
        lines: list[RenderableType] = [
            output.styled(""),
            output.styled(f"{output.sign('warning', on)} {self.found['sentence']}", "bold yellow"),
        ]
        lines += [output.indented(each, "dim", 4) for each in self.found.get("evidence", ())[:_MOST]]
        lines.append(
            output.indented(f"`odibi why {self.found.get('run_id') or ''}` has the rows of each step", "dim", 4)
        )
        return lines
