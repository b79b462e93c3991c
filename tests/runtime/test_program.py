"""`init_observability()`: three lines, and a whole program is observed; whatever is wrong, it goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import environment
from tests.ports import kept_port

from odibi_core.events import context
from odibi_core.observability import (
    ObservabilityConfig,
    get_logger,
    get_metrics,
    init_observability,
    observe,
    track_cli_command,
)
from odibi_core.store.runs import RunStore
from odibi_core.testing import RecordingSink

QUIET = {"metrics_enabled": False, "health_check_enabled": False}


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program of its own, as a user has it."""
    Path("program.py").write_text(textwrap.dedent(code), encoding="utf-8")
    variables = {"METRICS_ENABLED": "false", **variables}
    return subprocess.run(
        [sys.executable, "program.py"],
        env=environment(**variables), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def rows() -> list[dict[str, Any]]:
    return RunStore(".odibi").rows()


def events() -> list[Any]:
    return list(RunStore(".odibi").events())


THREE_LINES = """
    from odibi_core.observability import get_logger, init_observability
    init_observability()
    get_logger("shop").info("orders_loaded", row_count=3)
"""


def test_three_lines_are_enough() -> None:
    """The log on stderr, the run in the store, named after the script, with its line in it."""
    done = run(THREE_LINES)
    assert done.returncode == 0
    assert "shop orders_loaded (3 rows)" in done.stderr
    (row,) = rows()
    assert (row["pipeline_name"], row["status"]) == ("program", "success")
    (line,) = [event for event in events() if event.event_type == "orders_loaded"]
    assert line.run_id == row["run_id"]


def test_the_log_is_json_or_text_as_it_is_told() -> None:
    """By environment."""
    (line,) = run(THREE_LINES, LOG_FORMAT="json").stderr.splitlines()
    assert json.loads(line)["event_type"] == "orders_loaded"


def test_the_service_name_names_the_run() -> None:
    """Where it is given."""
    run(THREE_LINES, SERVICE_NAME="shop-import")
    assert rows()[0]["pipeline_name"] == "shop-import"


def test_a_program_from_below_records_into_the_nearest_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """As every run does, unless its configuration names a store."""
    RunStore(".odibi").open("earlier").close()
    Path("src").mkdir()
    monkeypatch.chdir("src")
    for given, root in (({}, "../.odibi"), ({"store_dir": "mine"}, "mine")):
        observer = init_observability(ObservabilityConfig(**QUIET, **given))
        observer.finish()
        assert observer.settings.root == Path(root).resolve()
        assert len(list(Path(root, "runs").glob(f"{observer.run_id}*"))) == 1
    assert not Path(".odibi").exists()


def test_a_program_that_ends_by_an_exception_has_failed() -> None:
    """With the error in its record; its exit is as it would be."""
    done = run(THREE_LINES + '    raise ValueError("no such table")\n')
    assert done.returncode == 1
    assert "ValueError: no such table" in done.stderr
    (row,) = rows()
    assert (row["status"], row["error"]) == ("failed", "no such table")


def test_a_program_that_is_killed_is_lost_with_its_lines_kept() -> None:
    """Up to the last one."""
    run(THREE_LINES + "    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    assert rows()[0]["status"] == "lost"
    assert "orders_loaded" in [event.event_type for event in events()]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SENTRY_ENABLED": "true"}, "SENTRY_DSN"),
        ({"SENTRY_ENABLED": "true", "SENTRY_DSN": "nonsense"}, "SENTRY_DSN"),
        ({"PROMETHEUS_PORT": "eighty"}, "PROMETHEUS_PORT"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"ODIBI_STORE__DURABILITY": "eternal"}, "ODIBI_STORE__DURABILITY"),
        ({"ODIBI_STORE__DRI": "x"}, "ODIBI_STORE__DRI"),
        ({"COST_ALERT_THRESHOLD_USD": "-1"}, "COST_ALERT_THRESHOLD_USD"),
        ({"ODIBI_STORE__DIR": "/dev/null/x"}, "/dev/null/x"),
        ({"METRICS_ENABLED": "true", "ODIBI_METRICS__HOST": "0.0.0.0"}, "ODIBI_METRICS__TOKEN"),
    ],
)
def test_what_is_wrong_is_one_clear_message_and_the_program_goes_on(
    variables: dict[str, str], said: str
) -> None:
    """It names what was wrong; nothing else is lost by it."""
    done = run(THREE_LINES, **variables)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if " warning " in line]
    assert len(warnings) == 1, done.stderr
    assert said in warnings[0]
    assert "orders_loaded" in done.stderr
    assert "Traceback" not in done.stderr


def tags_sent() -> list[str]:
    """Those of one measurement, as a Datadog agent gets it from a program in this environment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(60)
        port = agent.getsockname()[1]
        init_observability(ObservabilityConfig(datadog_enabled=True, datadog_port=port, **QUIET))
        get_metrics().increment("mine")
        assert get_metrics().counters["mine"] == 1  # which hands it on
        while not (
            mine := [line for line in agent.recv(65536).decode().splitlines() if "odibi.mine:" in line]
        ):
            pass
        return sorted(mine[0].partition("|#")[2].split(","))


def test_datadogs_standard_variables_are_tags_and_each_is_sent_once(
    monkeypatch: pytest.MonkeyPatch, heard: RecordingSink
) -> None:
    """The library adds some of them too; `env` of `DD_TAGS` is `DD_ENV`'s where that is not set."""
    monkeypatch.setenv("DD_SERVICE", "s")
    monkeypatch.setenv("DD_VERSION", "1.2")
    monkeypatch.setenv("DD_TAGS", "env:prod,team:a,team:b,version:9")
    assert tags_sent() == ["env:prod", "service:s", "team:a", "team:b", "version:1.2"]
    assert heard.of_kind("setup_problem") == []


@pytest.mark.parametrize(("variable", "value"), [("ODIBI_DATADOG__TGAS", "team:a"), ("DD_TAGS", ":a")])
def test_a_misspelt_name_is_told_of_and_datadog_is_fed_all_the_same(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch, heard: RecordingSink
) -> None:
    """Also a value that cannot be right where there is a default."""
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("SERVICE_NAME", "s")
    assert tags_sent() == ["env:dev", "service:s"]
    (warning,) = heard.of_kind("setup_problem")
    assert variable in str(warning.message)


def test_a_program_with_its_own_sentry_needs_no_dsn() -> None:
    """Its client gets the errors, and nothing is warned of."""
    own = """
    import sentry_sdk
    from sentry_sdk.transport import Transport
    from odibi_core.observability import capture_exception
    class Told(Transport):
        def capture_envelope(self, envelope):
            print("told", envelope.get_event()["exception"]["values"][0]["value"])
    sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Told)
    """
    done = run(own + THREE_LINES + "    capture_exception(ValueError('seven'))\n", SENTRY_ENABLED="true")
    assert done.returncode == 0, done.stderr
    assert "told seven" in done.stdout
    assert " warning " not in done.stderr


def test_a_port_in_use_is_a_warning_and_no_crash() -> None:
    """It names the port and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(THREE_LINES, METRICS_ENABLED="true", PROMETHEUS_PORT=str(port))
    assert done.returncode == 0
    (warning,) = [line for line in done.stderr.splitlines() if " warning " in line]
    assert f"port {port}" in warning
    assert "PROMETHEUS_PORT" in warning


def test_a_missing_extra_is_a_warning_that_names_it() -> None:
    """As on a machine where only odibi-core is installed."""
    blocked = """
        import sys
        sys.modules["datadog"] = sys.modules["sentry_sdk"] = None
    """
    done = run(
        textwrap.dedent(blocked) + textwrap.dedent(THREE_LINES),
        DATADOG_ENABLED="true", SENTRY_ENABLED="true", SENTRY_DSN="http://k@127.0.0.1:9/1",
    )  # fmt: skip
    warnings = [line for line in done.stderr.splitlines() if " warning " in line]
    assert done.returncode == 0
    assert sorted(extra for extra in ("datadog", "sentry") for line in warnings if f"odibi-core[{extra}]" in line) == [
        "datadog", "sentry",
    ]  # fmt: skip
    assert len(warnings) == 2


def test_metrics_and_health_are_served() -> None:
    """On the port that is asked for."""
    port = kept_port()
    config = ObservabilityConfig(metrics_enabled=True, prometheus_port=port, metrics_token="t")
    observer = init_observability(config)
    get_metrics().increment("mine")
    asked = {
        path: urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers={"Authorization": "Bearer t"})
        for path in ("metrics", "health")
    }
    with urllib.request.urlopen(asked["metrics"], timeout=30) as answer:
        assert "odibi_mine_total 1" in answer.read().decode()
    with urllib.request.urlopen(asked["health"], timeout=30) as answer:
        assert json.load(answer)["status"] == "healthy"
    observer.finish()


def test_a_second_call_changes_nothing_unless_it_brings_a_config() -> None:
    """Then the first record is closed, and another begins."""
    first = init_observability(ObservabilityConfig(**QUIET))
    assert repr(first) == f"ProgramObserver({first.name!r}, run_id={first.run_id!r})"
    assert init_observability() is first
    second = init_observability(ObservabilityConfig(service_name="second", **QUIET))
    assert second is not first
    second.finish()
    assert {row["pipeline_name"]: row["status"] for row in rows()}.keys() >= {"second"}
    assert {row["status"] for row in rows()} == {"success"}


def test_everything_said_belongs_to_the_programs_run_or_to_the_run_that_it_is_in() -> None:
    """In other threads too; and after its end to none."""
    observer = init_observability(ObservabilityConfig(**QUIET))
    thread = threading.Thread(target=get_logger("shop").info, args=("in_a_thread",))
    thread.start()
    thread.join()
    with observe("nightly") as nightly:
        get_logger("shop").info("in_a_run")
    with track_cli_command("load"):
        pass
    observer.finish()
    said = {event.event_type: event.run_id for event in events()}
    assert said["in_a_thread"] == said["cli_command"] == observer.run_id
    assert said["in_a_run"] == nightly.run_id
    assert context.current().run_id is None


def test_a_long_running_program_measures_without_metrics_of_the_past() -> None:
    """The process's metrics are those of `get_metrics()`, in every module."""
    observer = init_observability(ObservabilityConfig(**QUIET))
    assert observer.metrics is get_metrics()
    with track_cli_command("load"):
        pass
    assert get_metrics().counters["cli.command.success"] == 1
    observer.finish()
    with track_cli_command("load"):
        pass
    assert get_metrics().counters["cli.command.success"] == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_end_its_parents_record() -> None:
    """Its lines are in it, the verdict is the parent's."""
    done = run(
        THREE_LINES
        + """
    import os, sys
    if os.fork() == 0:
        get_logger("shop").info("in_the_child")
        sys.exit(0)
    os.wait()
    get_logger("shop").info("in_the_parent")
    """
    )
    assert done.returncode == 0, done.stderr
    kinds = [event.event_type for event in events()]
    assert kinds.count("pipeline_complete") == 1
    assert kinds.index("in_the_parent") < kinds.index("pipeline_complete")
    assert "in_the_child" in kinds


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_program_that_is_asked_to_stop_is_cancelled(name: str) -> None:
    """The signal ends it as it always does; but its record is closed, with its lines in it."""
    done = run(THREE_LINES + f"    import os, signal; os.kill(os.getpid(), signal.{name})\n    print('on')\n")
    assert (done.returncode, done.stdout) == (-getattr(signal, name), "")
    assert [row["status"] for row in rows()] == ["cancelled"]
    (stopped,) = (event for event in events() if event.event_type == "pipeline_error")
    assert stopped.error == f"stopped by {name}"


def test_a_program_that_obeys_sigterm_itself_goes_on_doing_so() -> None:
    """Its handler stands, whether it came before or after."""
    obeys = "import os, signal; signal.signal(signal.SIGTERM, lambda *_: print('mine'))"
    kill = "os.kill(os.getpid(), signal.SIGTERM)"
    for lines in ([obeys, "init_observability()", kill], ["init_observability()", obeys, kill]):
        done = run("\n".join(["from odibi_core.observability import init_observability", *lines]))
        assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    assert [row["status"] for row in rows()] == ["success", "success"]


def test_a_child_that_is_stopped_does_not_end_its_parents_record() -> None:
    """It dies at once, as it would have, also when it is stopped before it knows that it is a child."""
    code = """
        import os, signal, time
        from odibi_core.observability import get_logger, init_observability
        init_observability()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(1)
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        get_logger("shop").info("still_here")
        os.kill(os.getpid(), signal.SIGTERM)
    """
    assert run(code).returncode == -signal.SIGTERM
    assert [row["status"] for row in rows()] == ["cancelled"]
    assert [event.event_type for event in events()][-2:] == ["still_here", "pipeline_error"]


def test_a_mistake_at_the_prompt_is_no_failure_of_the_session() -> None:
    """Python keeps the last exception there, and people go on after it."""
    typed = "from odibi_core.observability import init_observability\ninit_observability()\n1 / 0\n"
    done = subprocess.run(
        [sys.executable, "-i", "-c", ""], input=typed,
        env=environment(METRICS_ENABLED="false"), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "ZeroDivisionError" in done.stderr
    assert [row["status"] for row in rows()] == ["success"]


def test_exit_is_bounded_when_everything_outside_hangs() -> None:
    """Sentry accepts and never answers, Datadog is not there, a check hangs: the program ends, with its record."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        code = """
            import threading
            from odibi_core.observability import capture_message, get_metrics, init_observability, register_health_check
            init_observability()
            register_health_check(threading.Event().wait, name="hangs", timeout_seconds=3600)
            for number in range(50):
                capture_message(f"message {number}", level="error")
                get_metrics().increment("mine")
        """
        done = run(
            code,
            SENTRY_ENABLED="true", SENTRY_DSN=f"http://key@127.0.0.1:{silent.getsockname()[1]}/1",
            DATADOG_ENABLED="true", ODIBI_DATADOG__PORT="9", HEALTH_CHECK_INTERVAL_SECONDS="0.1",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert rows()[0]["status"] == "success"
