"""A Prometheus server that scrapes a program, and its answers."""

import json
import math
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tests.architecture.plan import ROOT
from tests.ports import kept_port
from tests.services import servers

T = TypeVar("T")
PROMETHEUS = shutil.which("prometheus")
PROGRAM = ROOT / "tests" / "services" / "observed_program.py"
DEADLINE_S = 90.0
"""Far more than is needed: on a busy machine a query must not fail for want of a second scrape."""
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: odibi
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Series(NamedTuple):
    """One series of an answer: its labels, and its value now."""

    labels: dict[str, str]
    value: float


class PrometheusServer(NamedTuple):
    """A Prometheus server that scrapes one program on the same machine."""

    url: str
    program_url: str = ""

    def answer(self, query: str) -> list[Series]:
        """Return the series of a query that have a finite value now; none while the server is not ready."""
        found = self._ask("query", query=query)
        series = [Series(one["metric"], float(one["value"][1])) for one in (found or {}).get("result", ())]
        return [each for each in series if math.isfinite(each.value)]

    def type_of(self, family: str) -> str | None:
        """Return the type under which a family was scraped, or None."""
        found = (self._ask("metadata", metric=family) or {}).get(family)
        return found[0]["type"] if found else None

    def _ask(self, what: str, **parameters: str) -> dict[str, Any] | None:
        """Return None while the server is not ready; an unreadable query is an `AssertionError`."""
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                found: dict[str, Any] = json.load(response)["data"]
                return found
        except urllib.error.HTTPError as error:
            if error.code == 503:
                return None
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        except OSError:
            return None

    def exemplars(self, query: str) -> list[dict[str, Any]]:
        """Return the exemplars of the series of a query, of the last minutes, each with the labels of its series."""
        now = time.time()
        found: Any = self._ask("query_exemplars", query=query, start=str(now - 600), end=str(now + 60))
        return [{"series": one["seriesLabels"], **each} for one in found or () for each in one["exemplars"]]

    def eventually(self, query: str) -> list[Series]:
        """Return the first answer that is not empty, or an empty one after a long wait."""
        return wait_for(lambda: self.answer(query)) or []

    def scraped_text(self) -> str:
        """Return the metrics as served to a scraper that knows only the text format."""
        with urllib.request.urlopen(f"{self.program_url}/metrics", timeout=10) as response:
            return str(response.read().decode())


def wait_for(ask: Callable[[], T]) -> T | None:
    """Repeat the query until its answer is not empty, or the time is over."""
    ends = time.monotonic() + DEADLINE_S
    while not (answer := ask()):
        if time.monotonic() > ends:
            return None
        time.sleep(0.2)
    return answer


def running(command: list[str], folder: Path, **variables: str) -> AbstractContextManager[Any]:
    """Start a program in its own folder with only these variables; its output is kept there."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    return servers.running(command, folder / "output.txt", cwd=folder, env=environment)


@contextmanager
def prometheus(folder: Path, config: str, *options: str) -> Iterator[PrometheusServer]:
    """Run a Prometheus in a folder, with a configuration and further options, until the block ends."""
    assert PROMETHEUS, "prometheus is not installed (Debian: prometheus)"
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    server = PrometheusServer(f"http://127.0.0.1:{kept_port()}")
    command = [
        PROMETHEUS, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn",
        f"--web.listen-address={server.url.removeprefix('http://')}", *options,
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    log = folder / "prometheus.txt"
    with servers.serving(command, log, lambda: servers.is_ready(server.url), cwd=folder, env=environment):
        yield server


@contextmanager
def scraping(folder: Path, script: Path = PROGRAM) -> Iterator[PrometheusServer]:
    """Run a Prometheus that scrapes a program in `folder/program` every second, until the block ends."""
    program, server = folder / "program", folder / "server"
    program.mkdir()
    server.mkdir()
    port = kept_port()
    variables = {
        "PYTHONPATH": str(ROOT / "src"),
        "METRICS_ENABLED": "true",
        "PROMETHEUS_PORT": str(port),
        "LOG_LEVEL": "critical",
        "ODIBI_METRICS__TEXTFILE": "collector",
    }
    with (
        running([sys.executable, str(script)], program, **variables),
        prometheus(server, CONFIG.format(port=port)) as begun,
    ):
        found = begun._replace(program_url=f"http://127.0.0.1:{port}")
        up = wait_for(lambda: [one for one in found.answer("up") if one.value == 1])
        assert up, "".join(file.read_text() for file in folder.glob("*/*.txt"))
        yield found
