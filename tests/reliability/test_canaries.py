"""Two hundred secrets are passed to every input of the package; none is in any output.

A new output needs a line in `OUTPUTS` (a command one in `COMMANDS`): tests below name the missing ones.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from cramjam import snappy
from tests.delivery.loopback import loopback
from tests.log_shipping.servers import Datagrams
from tests.ports import kept_port
from tests.reliability.canaries import COUNT, SHAPES, Canary, canaries, leaks, readable
from tests.reliability.canary_commands import COMMANDS, NOT_ASKED
from tests.sinks.sentry_server import sentry_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("canaries")]  # one process runs all commands

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Where each output stands below the folder in which everything ran.
OUTPUTS: dict[str, str] = {
    "what the program prints": "stdout.txt",
    "what the program says on stderr": "stderr.txt",
    "the log file": "app.log",
    "structured logs": "logs/*",
    "the record of runs": ".odibi/runs/**/*",
    "stories": "stories/*",
    "lineage": "out/lineage_*",
    "hooks": "out/hooks.jsonl",
    "metrics that a hook exports": "exported/*",
    "the standard library's log": "out/forwarded.log",
    "the metrics endpoint": "out/endpoint.txt",
    "the health report": "out/health.json",
    "sentry": "sentry/*",
    "datadog": "datadog.txt",
    "opentelemetry": "otlp/*",
    "Loki, Elasticsearch and the Pushgateway": "shipped/*",
    "remote write": "remote_write/*",
    "syslog": "syslog.txt",
    "the journal": "journal.txt",
    "the lines that odibi ship sends": "sent/*",
    "files of the textfile collector": "collector/*",
    "events of OpenLineage": "openlineage.jsonl",
    "what waits for a receiver of OpenLineage": ".odibi/delivery/openlineage/*.spool",
    **{f"odibi {command}": f"cli/{command.replace(' ', '_')}_*" for command in COMMANDS},
    "odibi story": "cli/*.html",
    "notifications of alerts": "cli/alerts_payloads.txt",
    "notifications that wait": ".odibi/delivery/**/*.spool",
    "the files of an export": "exported/**/*",
    "the rows of the last good run": ".odibi/usual_rows/*.json",
}
# The events of each sink of the family are one of the outputs.
SINKS = {
    "summary": "what the program prints",
    "metrics_export": "metrics that a hook exports",
    "alert": "what the program says on stderr",
    "cache_stats": "what the program prints",
    "sentry": "sentry",
}
QUIET_SINKS = {"log_rotation": "it deletes old files, and says how many"}
# Nothing of what is planted is in these, whatever the redactor does.
NOTHING_TO_HIDE = {
    f"odibi {name}"
    for name in COMMANDS
    if name.startswith("store ") or name in ("config check", "doctor", "cache verify", "cache prune", "alerts rules")
}


@dataclass
class Outputs:
    """All outputs: their folder, and the canaries in each file."""

    root: Path
    found: dict[Path, set[Canary]]

    def files(self, output: str) -> list[Path]:
        return [path for path in self.root.glob(OUTPUTS[output]) if path.is_file()]


def run(root: Path, *command: str, **variables: str) -> None:
    """Run one process in its folder; its output is kept."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **variables}
    with (root / "stdout.txt").open("ab") as out, (root / "stderr.txt").open("ab") as err:
        subprocess.run(
            [sys.executable, *command],
            cwd=root,
            env=environment,
            stdout=out,
            stderr=err,
            timeout=600,
            check=True,
        )


def keep(folder: Path, bodies: list[bytes]) -> None:
    """Write what a receiver got, each body to a file."""
    folder.mkdir()
    for number, body in enumerate(bodies):
        (folder / f"{number}.txt").write_bytes(body)


def everything(root: Path, *, redactor: bool) -> Outputs:
    """Run the canary program and every command, and search all outputs; sabotaged, each command in one way."""
    first = () if redactor else (str(HERE / "redactor_off.py"),)
    ways = () if redactor else ("--first-way",)
    key = next(canary.core for canary in canaries() if canary.kind == "sentry")
    secret = canaries()[-1].core
    port = kept_port()
    journal = Path(tempfile.mkdtemp()) / "socket"  # the path of a socket is short
    with ExitStack() as stack:
        enter = stack.enter_context
        sentry = enter(sentry_server())
        collector, shipped, written, sent = (enter(loopback()) for _ in range(4))
        datagrams = {"datadog": Datagrams(), "syslog": Datagrams(), "journal": Datagrams(journal)}
        for each in datagrams.values():
            enter(each)
        settings = {
            "LOG_FORMAT": "json", "LOG_FILE": "app.log", "SENTRY_ENABLED": "true",
            "SENTRY_DSN": sentry.dsn.replace("publickey", key), "DATADOG_ENABLED": "true",
            "DATADOG_API_KEY": secret, "DD_DOGSTATSD_PORT": str(datagrams["datadog"].port),
            "PROMETHEUS_PORT": str(port),
            "TRACING_ENABLED": "true", "TRACING_SAMPLE_RATE": "1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={secret}",
            "OTEL_RESOURCE_ATTRIBUTES": f"about={canaries()[1].text}",
            "METRICS_ENABLED": "true", "ENVIRONMENT": canaries()[0].text, "SERVICE_NAME": "canary_program",
            "ODIBI_OPENLINEAGE__FILE": "openlineage.jsonl", "OPENLINEAGE_API_KEY": secret,
            "OPENLINEAGE_URL": f"http://user:{key}@127.0.0.1:{kept_port()}",
            "ODIBI_LOKI__URL": shipped.url, "ODIBI_LOKI__TENANT": "canaries", "ODIBI_LOKI__LEVEL": "debug",
            "ODIBI_ELASTIC__URL": shipped.url, "ODIBI_ELASTIC__LEVEL": "debug",
            "ODIBI_METRICS__PUSHGATEWAY": shipped.url, "ODIBI_METRICS__PUSH_JOB": canaries()[2].text,
            "ODIBI_METRICS__TEXTFILE": "collector", "ODIBI_METRICS__REMOTE_WRITE": f"{written.url}/api/v1/write",
            "ODIBI_ROWS__EXPLAIN": "all", "ODIBI_ROWS__SHOW": "keys",
            "ODIBI_METRICS__EXEMPLARS": "true", "ODIBI_METRICS__NATIVE_HISTOGRAMS": "true",
            "ODIBI_SYSLOG__ADDRESS": f"udp://127.0.0.1:{datagrams['syslog'].port}", "ODIBI_SYSLOG__LEVEL": "debug",
            "CANARY_RECEIVER": sent.url, "CANARY_JOURNAL": str(journal),
        }  # fmt: skip
        run(root, *first, str(HERE / "canary_program.py"), str(port), **settings)
        run(root, *first, str(HERE / "canary_commands.py"), *ways, **settings)
        for name, each in datagrams.items():
            (root / f"{name}.txt").write_bytes(b"\n".join(each.all()))
    # Behind the first line, which must name the key that Sentry is spoken to with.
    keep(root / "sentry", [body.partition(b"\n")[2] for body in sentry.bodies])
    keep(root / "otlp", [request.body for request in collector.requests])
    keep(root / "remote_write", [bytes(snappy.decompress_raw(request.body)) for request in written.requests])
    for server, folder in ((shipped, "shipped"), (sent, "sent")):
        keep(root / folder, [request.path.encode() + b"\n" + request.body for request in server.requests])
    for name in ("canary_steps.py", "canary_cached.py", "canary.odcs.yaml", "canary_rules.toml"):  # inputs
        (root / name).unlink()
    return Outputs(root, found_below(root))


def found_below(root: Path) -> dict[Path, set[Canary]]:
    """Return the canaries of each file below a folder."""
    parts = [(path, part) for path in root.rglob("*") if path.is_file() for part in readable(path)]
    found: dict[Path, set[Canary]] = {}
    for (path, _), some in zip(parts, leaks(part for _, part in parts), strict=True):
        found.setdefault(path, set()).update(some)
    return found


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return everything(tmp_path_factory.mktemp("canaries"), redactor=True)


@pytest.fixture(scope="module")
def outputs_without(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return everything(tmp_path_factory.mktemp("sabotaged"), redactor=False)


def test_there_are_two_hundred_and_no_two_are_alike() -> None:
    """Each canary differs from the others, and the same search finds it in each of its forms."""
    assert len({canary.core for canary in canaries()}) == len(canaries()) == COUNT
    assert {canary.kind for canary in canaries()} >= set(SHAPES)
    assert leaks(canary.text.encode() for canary in canaries()) == [{canary} for canary in canaries()]


@pytest.mark.parametrize("output", OUTPUTS)
def test_no_canary_is_in(output: str, outputs: Outputs) -> None:
    """No canary is in the output, in any form, in a file or in its name."""
    assert sum(path.stat().st_size for path in outputs.files(output)) > 0
    found = {(canary.kind, path.name) for path in outputs.files(output) for canary in outputs.found[path]}
    assert not found


def test_no_canary_is_in_any_file_at_all(outputs: Outputs) -> None:
    """No canary is in a file outside of the table's outputs either."""
    assert not {(canary.kind, str(path)) for path, found in outputs.found.items() for canary in found}
    names = "\n".join(str(path.relative_to(outputs.root)) for path in outputs.root.rglob("*"))
    assert leaks([names.encode()]) == [set()]


@pytest.mark.parametrize("output", [output for output in OUTPUTS if output not in NOTHING_TO_HIDE])
def test_with_the_redactor_off_the_same_check_finds_canaries_in(output: str, outputs_without: Outputs) -> None:
    """Sabotage: without the redactor the secrets are in each output, and the check finds them."""
    assert any(outputs_without.found[path] for path in outputs_without.files(output))


def test_with_the_redactor_off_every_canary_comes_out(outputs_without: Outputs) -> None:
    """Each of the two hundred was passed to an input from which it can leak."""
    assert set().union(*outputs_without.found.values()) == set(canaries())


def test_every_command_is_run_over_canaries() -> None:
    """A new command is run over canaries, or is listed with the reason why not."""
    from typer.main import get_command

    from odibi_core.cli import app

    names = {
        f"{name} {sub}" if sub else name
        for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
        for sub in getattr(command, "commands", {"": None})
    }
    commands = get_command(app).commands.items()  # type: ignore[attr-defined]
    alone = {name for name, command in commands if getattr(command, "invoke_without_command", False)}
    assert names | alone == set(COMMANDS) | set(NOT_ASKED)


def test_every_exporter_and_sink_is_searched(outputs: Outputs) -> None:
    """A new exporter is run by the program itself; a new sink has its line in the table."""
    from odibi_core.exporters import BUILTIN as EXPORTERS
    from odibi_core.sinks import BUILTIN

    exported = {
        path.name.removeprefix("exporter_") for path in outputs.found if path.name.startswith("exporter_")
    }
    assert exported == set(EXPORTERS)
    assert set(BUILTIN) == set(SINKS) | set(QUIET_SINKS)
    assert set(SINKS.values()) <= set(OUTPUTS)
