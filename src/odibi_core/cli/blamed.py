"""The first step that differs from the last good run, in the summary of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odibi_core.cli import output
from odibi_core.events import Event
from odibi_core.events.kinds import BLAME

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from odibi_core.history.blame import Blame

_MOST: Final = 4


class BlamedStep:
    """A sink that keeps the `blame` event of a run."""

    kinds: Final = (BLAME,)

    def __init__(self) -> None:
        self.found: Blame | None = None

    def __call__(self, event: Event) -> None:
        from odibi_core.history.blame import Blame  # here: most runs are as usual

        self.found = Blame.of_dict({**event.fields, "sentence": event.message, "step": event.node_name})

    @property
    def steps(self) -> tuple[str, ...]:
        """The step whose rows the sentence explains."""
        return () if self.found is None or self.found.effect_step is None else (self.found.effect_step,)

    def lines(self, on: Console) -> list[RenderableType]:
        """Return the sentence and further evidence as lines; none if nothing was unusual."""
        if self.found is None:
            return []
        head = f"{output.sign('warning', on)} {self.found.sentence}"
        lines: list[RenderableType] = [output.styled(""), output.styled(head, "bold yellow")]
        lines += [output.indented(each, "dim", 4) for each in self.found.further[:_MOST]]
        lines.append(output.indented("`odibi why` has the rows of each step", "dim", 4))
        return lines
