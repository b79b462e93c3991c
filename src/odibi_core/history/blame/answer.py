"""The answer of `blame`: a step, a cause, and the evidence for both."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

from msgspec import Struct, convert, to_builtins

CauseClass = Literal[
    "input late", "input stale", "input truncated", "schema drift", "code", "parameter", "join cardinality", "filter",
    "type or unit", "missing values", "volume", "duplicates", "environment", "unknown",
]  # fmt: skip
CAUSES: Final[tuple[str, ...]] = get_args(CauseClass)
"""The classes of causes."""

Certainty = Literal["certain", "likely", "possible"]
"""`certain`: the inputs of the step are those of the last good run, and its result is another. `likely`: nothing
upstream differs beyond the noise. `possible`: the differences are within the noise that is known or assumed."""


class Blame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The place where a run begins to differ, in one sentence and in parts.

    Args:
        sentence: The answer.
        step: The first step that differs.
        cause: The class of the likely cause.
        certainty: How sure the step is.
        effect_step: The step at or below it that lost, doubled or did not match most rows; None without one.
        rows: The rows of that effect.
        of: The rows of its input.
        rule: The rule that selects these rows, redacted.
        proof: How far the rule is proved: the level of its cause.
        is_new: True if the last good run did not have the rule; None if this is unknown.
        evidence: Sentences, the strongest first.
        compared_with: The last good run.
    """

    sentence: str
    step: str
    cause: CauseClass
    certainty: Certainty
    effect_step: str | None = None
    rows: int | None = None
    of: int | None = None
    rule: str | None = None
    proof: str | None = None
    is_new: bool | None = None
    evidence: tuple[str, ...] = ()
    compared_with: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as plain values, those that are known."""
        plain: dict[str, Any] = to_builtins(self)
        return plain

    @property
    def further(self) -> list[str]:
        """The evidence that the sentence does not have."""
        return [each for each in self.evidence if not self._has(each)]

    def _has(self, evidence: str) -> bool:
        first, _, rest = evidence.partition(" ")
        of_effect = first == self.effect_step and self.rows is not None and f" {self.rows:,} " in rest
        return of_effect or rest.removeprefix("made ") in self.sentence or evidence in self.sentence

    def fields(self) -> dict[str, Any]:
        """Return the fields of a `blame` event, whose message is the sentence and whose node is the step."""
        found = self.as_dict()
        del found["sentence"]
        return {"node_name": found.pop("step"), **found}

    @classmethod
    def of_dict(cls, values: object) -> Blame | None:
        """Return the answer that `as_dict` made; None for anything else."""
        try:
            return convert(values, cls)
        except ValueError:  # msgspec.ValidationError is one
            return None
