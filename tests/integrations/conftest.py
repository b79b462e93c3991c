"""The runs of the hosts' programs, each once in a session: all tests of one host are in one process."""

from __future__ import annotations

import pytest
from tests.integrations.hosts import TOGETHER, Ended, Outcome, run_program


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return a function that runs the program of a host once: `outcome(host, scenario, "bare")`."""
    known: dict[tuple[str, ...], Ended] = {}

    def of(host: str, scenario: str, *bare: str) -> Ended:
        together = TOGETHER.get(host, ())
        if bare:  # the last two end the process, or take long
            together = tuple(each for each in together if each in ("success", "failure"))
        shared = scenario in together
        asked = (host, ",".join(together) if shared else scenario, *bare)
        if asked not in known:
            known[asked] = run_program(host, asked[1:], tmp_path_factory.mktemp("-".join(asked)))
        return known[asked]._replace(scenario=scenario) if shared else known[asked]

    return of
