"""The findings of an examination, as the command shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odibi_core.cli import output

if TYPE_CHECKING:
    from odibi_core.history.maintenance.findings import Findings

_STATES: Final = {"ok": "success", "mended": "success", "warning": "warning", "problem": "failed"}
"""The state of a step with the same sign and colour."""


def show_findings(findings: Findings, nothing: str) -> None:
    """Print each finding with its sign and what to do, then what was not checked."""
    on = output.console()
    for finding in findings.found:
        state = _STATES[finding.severity]
        mended = "mended: " if finding.severity == "mended" else ""
        line = f"{output.sign(state, on)} {mended}{finding.message}{f' ({finding.fix})' if finding.fix else ''}"
        output.write(on, output.styled(line, output.STYLES[state]))
    if not any(finding.severity in ("warning", "problem") for finding in findings.found):
        output.write(on, output.styled(f"{output.sign('success', on)} {nothing}", output.STYLES["success"]))
    for sentence in findings.not_checked:
        output.write(on, output.styled(f"{output.sign('unknown', on)} not checked: {sentence}", "dim"))
