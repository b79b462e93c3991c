"""`odibi ship`."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Here
from tests.delivery.loopback import Reply, dead_url, running
from tests.log_shipping.servers import LokiServer

import odibi_core


def numbers() -> list[dict[str, int]]:
    return [{"n": 1}]


@pytest.fixture
def store(tmp_path: Path) -> str:
    odibi_core.run([numbers], pipeline_name="count", store=tmp_path / "store")
    return str(tmp_path / "store")


def test_recorded_lines_are_sent_once(store: str, here: Here) -> None:
    """The answer has the sums; a second call sends nothing, and `--again` all."""
    common = ("--store", store, "--format", "json")
    with running(LokiServer()) as server:
        assert isinstance(server, LokiServer)
        answers = [
            json.loads(here("ship", "loki", *common, "--to", server.url, *more).stdout)
            for more in ((), (), ("--again", "--since", "1h"), ("--run", "count", "--level", "debug"))
        ]
    sent = len(server.lines())
    assert [answer["sent"] for answer in answers] == [answers[0]["sent"], 0, answers[0]["sent"], 0]
    assert answers[0] == {
        "store": store, "target": "loki", "to": server.url, "runs": 1, "read": sent, "sent": sent, "refused": {},
        "unsent": 0, "problem": None, "unreadable": 0,
    }  # fmt: skip


def test_what_was_not_taken_is_an_exit_code(store: str, here: Here) -> None:
    """1 for refused lines, 4 for a server that does not answer, 2 for no address; the next call continues."""
    with running(LokiServer(Reply(400, {}, b"total ignored: 2 out of 4"))) as server:
        down = here("ship", "loki", "--store", store, "--to", dead_url(), "--give-up", "0")
        refused = here("ship", "loki", "--store", store, "--to", server.url)
    assert (down.exit_code, refused.exit_code) == (4, 1)
    assert "the next call continues here" in down.stderr
    assert "refused 2 lines for good (2 http_400)" in refused.stderr
    missing = here("ship", "syslog", "--store", store)
    assert (missing.exit_code, "set ODIBI_SYSLOG__ADDRESS" in missing.stderr) == (2, True)
    assert here("ship", "loki", "--run", "count", "--since", "1h").exit_code == 2


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("loki", '"pipeline":"count"'),
        ("elastic", '"ecs.version"'),
        ("syslog", "[odibi@32473 "),
        ("journald", "ODIBI_PIPELINE=count"),
    ],
)
def test_a_dry_run_prints_and_sends_nothing(store: str, here: Here, target: str, part: str) -> None:
    """The form of each system, and no position."""
    to = {"syslog": "udp://127.0.0.1:9", "journald": "/no/socket"}.get(target, dead_url())
    done = here("ship", target, "--store", store, "--to", to, "--dry-run")
    assert done.exit_code == 0
    assert part in done.stdout
    assert not (Path(store) / "shipped").exists()
