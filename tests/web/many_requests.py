"""Requests made of the OpenAPI document, right and wrong ones: `python -m tests.web.many_requests 20000` sends so many.

Each is answered without an error of the server, with JSON, and refused only by the statuses of the document. Nothing
outside of the store is read or written, whatever stands for an id.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.testclient import TestClient
from tests.history.stores import write_runs
from tests.web.served import SAME, client

TRAVERSALS: Final = [
    form.format(up=up, end=end)
    for up in ("..", "%2e%2e", "..%2f..", "%252e%252e", "..\\", "..%5c..", "....", "\u2024\u2024", ".%00.")
    for end in ("etc/passwd", "secret.txt", "..%2fsecret.txt", "%2e%2e%2fsecret.txt", "C:\\secret.txt")
    for form in ("{up}/{end}", "{up}/{up}/{end}", "/{up}/{end}", "{up}%2f{end}", "x/{up}/{end}", "{end}/{up}", "~{end}")
]
"""Ids that would lead out of the store if one became a path."""
SECRET: Final = "planted-secret-5cd1"
EXPENSIVE: Final = frozenset({"/api/sql"})
"""Routes that start a process; one request in fifty is for them."""
_TEXTS: Final = (
    "", "daily", "load", "clean", "failed", "'", '"', "%", "_", "null", "\x00", "é\u202e", "😀", "<script>", "../..",
    "a" * 300, "2026-01-01T00:00:00Z", "-1", "1e999", "9" * 40, "true", "[]", "{}", "; drop table runs", "\\", "\n",
)  # fmt: skip
_DATES: Final = (
    "2026-01-03T04:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59-23:59",
)  # fmt: skip


class Requests:
    """An endless series of requests, the same for one seed.

    Args:
        described: The OpenAPI document.
        names: Ids and names that the store has.
        seed: The seed.
    """

    def __init__(self, described: dict[str, Any], names: list[str], seed: int = 1) -> None:
        self._described, self._names, self._random = described, names, random.Random(seed)
        self._operations = [
            (path, method, operation)
            for path, methods in described["paths"].items()
            for method, operation in methods.items()
            if not path.endswith("/events")  # an open stream; its test is test_live
        ]

    def __iter__(self) -> Iterator[tuple[str, str, Any]]:
        """Yield method, address and body, without an end."""
        while True:
            path, method, operation = self._random.choice(self._operations)
            if path in EXPENSIVE and self._random.random() > 0.02 * len(self._operations):
                continue
            query = []
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    path = path.replace(f"{{{parameter['name']}}}", self._part())
                elif parameter["required"] or self._random.random() < 0.4:
                    query.append((parameter["name"], self._value(parameter["schema"])))
            if self._random.random() < 0.05:
                query.append((self._random.choice(_TEXTS), self._random.choice(_TEXTS)))
            body = self._object(operation["requestBody"]) if "requestBody" in operation else None
            yield method.upper(), f"{path}?{urlencode(query, errors='surrogatepass')}", body

    def _part(self) -> str:
        chance = self._random.random()
        if chance < 0.5:
            return quote(self._random.choice(self._names), safe="")
        return self._random.choice(TRAVERSALS) if chance < 0.7 else quote(self._random.choice(_TEXTS) or "x", safe="")

    def _value(self, schema: dict[str, Any]) -> str:
        choose = self._random.choice
        if self._random.random() < 0.15:
            return choose(_TEXTS)
        if "enum" in schema:
            return str(choose(schema["enum"]))
        kind = schema.get("type")
        if kind == "integer":
            low, high = schema.get("minimum", -(10**6)), schema.get("maximum", 10**6)
            return str(choose([low - 1, low, high, high + 1, self._random.randint(low, min(high, low + 50))]))
        if kind == "boolean":
            return choose(["true", "false", "0", "yes"])
        if kind == "array":
            return choose(["a=b", "a", "=", "team=sales"])
        if schema.get("format") == "date-time":
            return choose(_DATES)
        return choose([*self._names, *_TEXTS, "select 1", "select * from runs", "drop table runs"])

    def _object(self, body: dict[str, Any]) -> Any:
        reference = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        properties = self._described["components"]["schemas"][reference]["properties"]
        found: dict[str, Any] = {}
        for name, schema in properties.items():
            if self._random.random() < 0.7:
                choice = self._random.choice(schema.get("anyOf", [schema]))
                found[name] = {"null": None, "boolean": True}.get(choice.get("type"), self._value(choice))
        return found if self._random.random() > 0.05 else self._random.choice([None, [], 1, "x"])


def problems(asked: TestClient, names: list[str], count: int, seed: int = 1) -> tuple[list[str], Counter[int]]:
    """Send requests; return what is wrong with their answers, and the number of each status."""
    described = asked.get("/api/openapi.json").json()
    found: list[str] = []
    statuses: Counter[int] = Counter()
    for number, (method, address, body) in enumerate(Requests(described, names, seed)):
        if number == count:
            return found, statuses
        response = asked.request(method, address, json=body, headers=SAME)
        statuses[response.status_code] += 1
        is_json = response.headers["content-type"] == "application/json"
        if response.status_code >= 500 or not is_json or SECRET in response.text:
            found.append(f"{method} {address} {body}: {response.status_code} {response.text[:200]}")
        elif response.status_code not in (200, 400, 404, 405, 429):
            found.append(f"{method} {address}: {response.status_code} is not described")
    raise AssertionError("the requests ended")


def stored(root: Path) -> list[str]:
    """Write a store with a secret beside it; return its ids and names."""
    (root / "secret.txt").write_text(SECRET, encoding="utf-8")
    return [*write_runs(root / "store", 6), "daily", "load", "clean"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        named = stored(Path(folder))
        wrong, numbers = problems(client(Path(folder) / "store"), named, int(sys.argv[1]), int(sys.argv[2]))
        print("\n".join(wrong[:40]), dict(numbers), len(wrong), sep="\n")
