"""Requests that schemathesis makes of the OpenAPI document: `python -m tests.web.schema_requests 500` sends so many to
each route, half of them as the document describes them, half not.

An answer has a status, a media type and a form that the document describes, and a request that the document describes
is not refused for its form.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from starlette.testclient import TestClient
from tests.web.many_requests import EXPENSIVE, SECRET, stored
from tests.web.served import ADDRESS, SAME, client

_STREAMS: Final = "/events"
"""An open stream; its test is test_live."""
_REFUSED_BY_CONTENT: Final = (*EXPENSIVE, "/api/mutes", "/api/compare", "/api/runs/{run}/log")
"""Routes that refuse a value of the right form: no SELECT, a mute that is over, runs that do not compare, no cursor."""
_MODES: Final = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def problems(asked: TestClient, count: int) -> tuple[set[str], Counter[int]]:
    """Send so many requests to each route; return what is wrong with their answers, and the number of each status."""
    found: set[str] = set()
    statuses: Counter[int] = Counter()
    for result in schemathesis.openapi.from_dict(asked.get("/api/openapi.json").json()).get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        number = max(1, count // 40) if operation.path in EXPENSIVE else max(1, count // 2)
        for mode in _MODES if not operation.path.endswith(_STREAMS) else ():
            strategy = operation.as_strategy(mode)

            @seed(1)
            @settings(
                max_examples=number, database=None, deadline=None, suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            )  # fmt: skip
            @given(strategy)
            def send(case: Case[Any]) -> None:
                given = case.as_transport_kwargs(base_url=ADDRESS, headers=SAME)
                given = {name: value for name, value in given.items() if value is not None and name != "cookies"}
                response = asked.request(**given)
                statuses[response.status_code] += 1
                found.update(_wrong(case, response))

            try:
                send()
            except Unsatisfiable:  # no request to the route can be wrong
                continue
    return found, statuses


def _wrong(case: Case[Any], response: Any) -> list[str]:
    about = f"{case.operation.method.upper()} {case.operation.path}: {response.status_code}"
    if SECRET in response.text:
        return [f"{about} has the secret"]
    try:
        case.validate_response(response)
    except BaseExceptionGroup as group:
        texts = [f"{about} {type(each).__name__} {response.text[:200]}" for each in group.exceptions]
        return [text for text in texts if not _is_expected(case.operation.path, text)]
    return []


def _is_expected(path: str, text: str) -> bool:
    """Return true for a refusal that no schema describes, and for a number as a part of a path, which is a text."""
    return ("RejectedPositiveData" in text and path in _REFUSED_BY_CONTENT) or (
        "AcceptedNegativeData" in text and "{" in path
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        stored(Path(folder))
        wrong, numbers = problems(client(Path(folder) / "store"), int(sys.argv[1]))
        print("\n".join(sorted(wrong)[:40]), dict(numbers), len(wrong), sep="\n")
