"""Every command of `odibi` over the record of the canary program; the output of each goes to `cli/`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.fast_typer import keep_commands
from tests.reliability.canaries import canaries
from typer.testing import CliRunner

OUT = Path("cli")
WITH_RULES = {"ODIBI_ALERTS__RULES": "canary_rules.toml"}
QUERY = "SELECT * FROM logs"
# Each command, and the ways in which it is asked; {run} is the program's run, {pipeline} that of a pipeline.
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": (
        "canary_steps.py:steps --param about={text}",
        "canary_steps.py:steps --format json --name {text}",
        "canary_steps.py:steps --format json --partition {text}",
        "canary_steps.py:steps --dry-run --format json --partition {text}",
    ),
    "backfill": (
        "canary_steps.py:steps --partition {text} --no-story --format json",
        "canary_steps.py:steps --partition {text} --again --dry-run",
    ),
    "why": ("{pipeline}", "{steps} --format json", "canary_cached {cached}", "canary_cached {cached} --format json"),
    "trace": (
        'canary_cached --dataset {cached} --where "1 = 1"',
        "canary_cached --dataset {cached} --where {text} --format json",
    ),
    "replay": ("canary_cached {cached}", "canary_cached {cached} --format json"),
    "cache ls": ("", "--format json"),
    "cache show": ("{key}", "{key} --format json"),
    "cache why": ("canary_cached {cached}", "canary_cached {cached} --format json"),
    "cache verify": ("", "--format json"),
    "cache prune": ("", "--format json"),
    "contract check": ("canary.odcs.yaml", "canary.odcs.yaml --format json"),
    "contract report": ("canary.odcs.yaml --run canary_cached", "canary.odcs.yaml --run canary_cached --format json"),
    "mute": ("{name} --step {text}", "--list", "--list --format json"),
    "ack": ("{text}",),
    "alerts": ("--all", "--all --format json"),
    "alerts rules": ("", "--format json"),
    "alerts check": ("", "--format json"),
    "alerts test": ("all --last 5", "all --last 5 --format json"),
    "alerts ack": ("{alert} --note {text}", "{text}"),
    "alerts mute": ("{text}", "{alert} --until 3d", "--list"),
    "alerts resolve": ("{alert} --note {text}",),
    "runs": ("--limit 0", "--limit 0 --format json"),
    "show": ("{pipeline} --format json", "{run}", "{pipeline}", "{steps} --source broken"),
    "history": ("{name}", "{name} --format json", "{name} -o cli/history.html"),
    "compare": tuple(
        f"{{pipeline}} {{steps}} --anyway --format {form}" for form in ("text", "json", "markdown", "html")
    ),
    "top": ("--since 3650d --once", "--since 3650d --format json"),
    "watch": ("--since 30d --all", "--since 30d --all --format json"),
    "store export": ("exported", *(f"--to sqlite:///cli/all.sqlite --format {form}" for form in ("text", "json"))),
    "store compact": ("--store exported",),
    "store verify": ("--store exported", "--format json"),
    "store status": ("", "--format json"),
    "store prune": ("--keep-days 1 --dry-run --format json",),
    "store rebuild": ("--tables --store exported",),
    "doctor": ("", "--format json", "--store exported"),
    "logs": ("{run} --limit 2000", "{run} --limit 2000 --format json", "{pipeline} --limit 0"),
    "story": (
        "{pipeline} -o cli/story.html", "{run} -o cli/program.html", "{pipeline} --format md -o -",
        "{steps} -o cli/story.md",
    ),
    "export openlineage": ("{pipeline}", "{run}", "{steps}", "{steps} -o cli/export_openlineage_file.jsonl"),
    "export otlp": ("{pipeline}", "{run} --signal traces --signal metrics", "{steps} -o cli/otlp"),
    "ship": (
        "loki --to http://127.0.0.1:9 --dry-run",
        "elastic --to http://127.0.0.1:9 --dry-run --level debug --run {pipeline}",
        "syslog --to udp://127.0.0.1 --dry-run",
        "syslog --to /dev/log --dry-run --level warning",
        "journald --dry-run --run {pipeline}",
        "loki --to http://127.0.0.1:9 --give-up 0 --format json",
        "loki --to {receiver} --give-up 0 --level debug",
        "elastic --to {receiver} --give-up 0 --format json --run {pipeline}",
        "syslog --to udp://127.0.0.1:{udp} --give-up 0 --run {pipeline}",
        "journald --to {journal} --give-up 0 --level debug --run {pipeline}",
    ),
    "lineage": ("canary_cached", "canary_cached --format json"),
    "metrics": ("{run}", "{run} --format prometheus", "{run} --format json", "{pipeline}"),
    "sql": (
        f"'{QUERY} LIMIT 1000' --format json",
        f"'{QUERY} LIMIT 50'",
        f"'{QUERY} LIMIT 300' --format csv",
        f"'{QUERY} LIMIT 1000' --format json --store exported",
        "'SELECT * FROM runs' --format json --store exported",
        "'SELECT * FROM columns' --format json",
    ),
    "errors": ("--limit 0", "--limit 0 --format json"),
    "costs": ("", "--format json", "--by tag:about --format json"),
    "usage": ("", "--format json"),
    "health": ("--load canary_steps.py", "--load canary_steps.py --format json", "--recorded --format json"),
    "serve": ("--static served",),
    "timing": ("{run}", "{run} --format json"),
    "inspect": ("canary_steps.py", "canary_steps.py --format json", "canary_steps.py --schema"),
    "config show": ("", "--format json"),
    "config check": ("", "--format json"),
    "exec": ("--param about={text} --name {text} -- true {text}", "--tag about={text} -- no-command-{text}"),
    "record": ("--param about={text} canary_script.py {text}", "--format json --name {text} canary_script.py {text}"),
}
NOT_ASKED = {
    "dbt": "it runs dbt, which the canary program has not",
    "import dbt": "it reads files of dbt, which the canary program does not make",
    "connect": "it reads no record: tests/connections looks for its secrets",
    "mcp": "its tools are called below, without the client",
    "demo": "it runs a pipeline and data of its own, and takes nothing that could be a secret",
    "store move": "it copies the files of the record as they are",
    "store ship": "it copies the files of the record as they are",
}

STEPS = '''
from odibi_core.observability import Step, register_health_check
from tests.reliability.canaries import canaries

SOME = canaries()[::7]


def read(about: str = "none") -> list[dict[str, str]]:
    """Some rows."""
    return [{"email": canary.text, "password": canary.core, canary.name: canary.value} for canary in SOME]


def broken(table: list[dict[str, str]]) -> None:
    print("working on it")
    raise ValueError(SOME[0].text)


steps = [
    Step(name="read", value=read, layer="ingest", outputs={"out": "table"}, params={"about": SOME[1].text}),
    Step(name=SOME[2].text, value=lambda table: table, inputs={"table": "table"}, outputs={"out": SOME[3].text}),
    Step(name="broken", value=broken, inputs={"table": "table"}, outputs={"out": "broken"}),
]


class Login:
    def process(self, records: list[str], password: str = SOME[4].text, about: str = SOME[5].text) -> list[str]:
        return records


Login.__doc__ = SOME[6].text


def failing() -> None:
    raise ValueError(SOME[7].text)


register_health_check(failing, SOME[8].text)
'''

RULES = '''
[[rule]]
kind = "failure"
name = "steps"
per = "step"

[[rule]]
kind = "sql"
name = "errors"
query = "select pipeline_name, message as subject, node_name from errors limit 300"

[[route]]
name = "file"
command = ["tee", "-a", "cli/alerts_payloads.txt"]
group_by = []
interval = "0s"

[[route]]
name = "hook"
webhook = "http://{text}@127.0.0.1:9/"
headers = {{ Authorization = "Bearer {text}" }}
'''

CACHED = '''
import pandas as pd

from odibi_core import Step, checks
from tests.reliability.canaries import canaries

SOME = canaries()[3::7]
ABOUT = SOME[0].text


def rows(about: str) -> pd.DataFrame:
    """Two rows, which use two canaries and hold none."""
    return pd.DataFrame({"length": ["short", "long"][: len(about + ABOUT)]})


rules = checks.from_contract("canary.odcs.yaml", "lengths")
steps = [
    Step(name=SOME[1].text, value=rows, params={"about": SOME[2].text}, outputs={"out": "lengths"}, checks=rules),
    Step(name="kept", value=lambda lengths: lengths.rename(columns=lambda name: SOME[9].text), inputs=["lengths"],
         cache=False),
]
'''


SCRIPT = """
import sys
import pandas as pd
from tests.reliability.canaries import canaries

SOME = canaries()[2::7]
sys.excepthook = lambda *error: None
about = pd.DataFrame({canary.name: [canary.value] for canary in SOME})
about[{text}] = SOME[1].text
short = about[about[{text}] == {text}]
raise ValueError(SOME[0].text)
"""


def contract() -> dict[str, object]:
    """Return a contract with canaries in the texts of its rules."""
    some = [canary.text for canary in canaries()[5::7]]
    rule = {
        "id": some[0], "description": some[1], "metric": "invalidValues", "arguments": {"validValues": some[2:6]},
        "mustBe": 2,
    }  # fmt: skip
    column = {"name": "length", "description": some[6], "logicalType": "string", "quality": [rule]}
    return {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": some[7], "name": some[8], "version": "1.0.0",
        "status": "active", "schema": [{"name": "lengths", "properties": [column]}],
    }  # fmt: skip


def main(*, in_every_way: bool) -> None:
    """Run each command in this process: in every way, or in its first."""
    import json
    import shlex

    from odibi_core.cli import app
    from odibi_core.mcp_server.tool_calls import call
    from odibi_core.store.runs import RunStore

    keep_commands()
    Path("canary_steps.py").write_text(STEPS, encoding="utf-8")
    Path("canary_cached.py").write_text(CACHED, encoding="utf-8")
    Path("canary.odcs.yaml").write_text(json.dumps(contract()), encoding="utf-8")
    secret = next(canary.core for canary in canaries() if canary.kind == "sentry")
    Path("canary_rules.toml").write_text(RULES.format(text=secret), encoding="utf-8")
    Path("canary_script.py").write_text(SCRIPT.replace("{text}", repr(canaries()[0].text)), encoding="utf-8")
    OUT.mkdir(exist_ok=True)
    program, pipeline, *_ = RunStore().ids()
    row = RunStore().row(pipeline)
    assert row is not None
    CliRunner().invoke(app, ["run", "canary_cached.py:steps", "--cache"], env={"ODIBI_KEEP__FRAMES": "all"})
    entries = json.loads(CliRunner().invoke(app, ["cache", "ls", "--format", "json"]).stdout)["entries"]
    asked = ["run", "canary_steps.py:steps", "--param", f"about={canaries()[0].text}"]
    CliRunner().invoke(app, asked, env=WITH_RULES)
    alerts = json.loads(CliRunner().invoke(app, ["alerts", "--format", "json"]).stdout)
    words = {
        "alert": alerts[0]["alert_id"],
        "key": entries[0]["key"],
        "cached": shlex.quote(str(entries[0]["step"])),
        "run": program,
        "pipeline": pipeline,
        "name": shlex.quote(str(row.pipeline_name)),
        "steps": "canary_steps",
        "text": shlex.quote(canaries()[0].text),
        "receiver": os.environ["CANARY_RECEIVER"],
        "journal": os.environ["CANARY_JOURNAL"],
        "udp": os.environ["ODIBI_SYSLOG__ADDRESS"].rpartition(":")[2],
    }
    for command, ways in COMMANDS.items():
        for number, way in enumerate(ways):
            if number and not in_every_way and "{receiver}" not in way and "{journal}" not in way:
                continue  # the sabotaged program shows in one way of each command, and at each receiver
            asked = [*command.split(), *shlex.split(way.format(**words))]
            answer = CliRunner().invoke(app, asked, env={"COLUMNS": "400", **WITH_RULES})
            told = f"exit {answer.exit_code}\n{answer.stdout}\n{answer.stderr}\n{answer.exception!r}"
            (OUT / f"{command.replace(' ', '_')}_{number}.txt").write_text(
                told, encoding="utf-8", errors="replace"
            )
    if in_every_way:
        _execute(canaries()[0].text)
    Path("canary_script.py").unlink()  # the program that was recorded, and no output
    tools = {"explain_run": ("{run}", "{pipeline}"), "compare_runs": ("{steps}",), "runs": ("",)}
    for name, asked_runs in tools.items():
        for number, run in enumerate(asked_runs):
            given = {"run": run.format(**words)} if run else {}
            (OUT / f"mcp_{name}_{number}.json").write_text(json.dumps(call(RunStore, name, given)), encoding="utf-8")
    logs = json.dumps(call(RunStore, "sql", {"query": QUERY}))
    (OUT / "mcp_sql.json").write_text(logs, encoding="utf-8")
    _ask_the_server(words)


def _execute(text: str) -> None:
    """Record a command that writes a secret: it passes through as it is, and only the record hides it."""
    code = 'echo "$1"; echo "$1" >&2; exit 3'
    asked = [sys.executable, "-m", "odibi_core", "exec", "--quiet", "--", "sh", "-c", code, "sh", text]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(asked, env=variables, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (3, f"{text}\n")


def _ask_the_server(words: dict[str, str]) -> None:
    """Write the answer of each route, and of a request whose parameters are secrets."""
    from urllib.parse import quote

    from tests.web.served import client

    asked, secret = client(Path(".odibi")), quote(canaries()[0].text, safe="")
    run, pipeline = words["run"], quote(words["pipeline"], safe="")
    paths = (
        "runs", f"runs/{run}", f"runs/{pipeline}", f"runs/{run}/log?limit=500", f"runs/{pipeline}/log", "pipelines",
        f"runs?search={secret}", f"runs/{secret}", f"pipelines/{secret}/history", f"metrics?run={run}", "datasets",
        f"compare?run={pipeline}", f"sql?query={quote(QUERY)}", "errors", f"errors/{secret}", "costs", "usage",
        "health", "alerts?all=true", f"sql?query={secret}", f"runs?since={secret}", f"runs?tag={secret}",
    )  # fmt: skip
    for number, path in enumerate(paths):
        (OUT / f"serve_{number}.json").write_text(asked.get(f"/api/{path}").text, encoding="utf-8")
    (OUT / "serve_metrics.txt").write_text(asked.get("/metrics").text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, ".")
    main(in_every_way="--first-way" not in sys.argv)
