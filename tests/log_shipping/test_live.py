"""Lines of a running program on their way: one setting each, from a level up, and nothing breaks without a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.delivery.loopback import Reply, dead_url, running
from tests.log_shipping.servers import Datagrams, ElasticServer, LokiServer, journal_fields
from tests.otlp.made import recorded, run

from odibi_core.delivery import deliveries
from odibi_core.delivery.delivery import Delivery
from odibi_core.log_shipping.live import is_sent
from odibi_core.log_shipping.targets import TARGETS
from odibi_core.runtime.exports import close_exports
from odibi_core.settings import set_config


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pause before a retry takes long, and the next test has exporters of its own."""
    monkeypatch.setattr(Delivery, "_pause", lambda self, seconds: self._closing.wait(min(seconds, 0.001)))
    yield
    close_exports(0)


def test_loki_gets_the_lines_of_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, after a refusal that allows a retry, with the token; what is no line of a log stays away."""
    with running(LokiServer(Reply(429))) as server:
        assert isinstance(server, LokiServer)
        monkeypatch.setenv("ODIBI_LOKI__URL", f"{server.url}/")
        monkeypatch.setenv("ODIBI_LOKI__TOKEN", "t0ken-of-loki")
        monkeypatch.setenv("SERVICE_NAME", "shop")
        run_id = run(tmp_path)
        assert close_exports(30)
    sent = [(line["writer_id"], line["seq"]) for line in server.lines() if line.get("run_id") == run_id]
    wanted = [event for event in recorded(tmp_path, run_id) if is_sent(event, 20)]
    assert sorted(sent) == sorted((event.writer_id, event.seq) for event in wanted)
    assert {"service_name": "shop", "level": "error", "pipeline": "shop"} in server.labels()
    assert server.requests[0].headers["authorization"] == "Bearer t0ken-of-loki"
    assert server.requests[0].headers["content-encoding"] == "gzip"


def test_with_a_spool_the_next_process_sends_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the first run is lost while Loki is down, and each line comes once."""
    monkeypatch.setenv("ODIBI_LOKI__SPOOL", "true")
    monkeypatch.setenv("ODIBI_LOKI__URL", dead_url())
    first = run(tmp_path)
    assert close_exports(30)
    set_config(None)
    with running(LokiServer()) as server:
        assert isinstance(server, LokiServer)
        monkeypatch.setenv("ODIBI_LOKI__URL", server.url)
        run(tmp_path)
        assert close_exports(30)
    sent = [(line["writer_id"], line["seq"]) for line in server.lines() if line.get("run_id") == first]
    wanted = [event for event in recorded(tmp_path, first) if is_sent(event, 20)]
    assert sorted(sent) == sorted((event.writer_id, event.seq) for event in wanted)


def test_a_level_leaves_out_the_lines_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start and end of a run are sent all the same: without them no line has its pipeline."""
    with running(ElasticServer()) as server:
        assert isinstance(server, ElasticServer)
        monkeypatch.setenv("ODIBI_ELASTIC__URL", server.url)
        monkeypatch.setenv("ODIBI_ELASTIC__API_KEY", "key")
        monkeypatch.setenv("ODIBI_ELASTIC__INDEX", "logs-shop-prod")
        monkeypatch.setenv("ODIBI_ELASTIC__LEVEL", "error")
        run(tmp_path)
        assert close_exports(30)
    assert server.indices == {"logs-shop-prod"}
    found = {(each["event.action"], each["log.level"]) for each in server.documents.values()}
    assert found == {("pipeline_start", "info"), ("node_failed", "error"), ("pipeline_error", "error")}
    assert server.requests[0].headers["authorization"] == "ApiKey key"


def test_syslog_by_one_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the facility of the settings."""
    with Datagrams() as server:
        monkeypatch.setenv("ODIBI_SYSLOG__ADDRESS", f"udp://127.0.0.1:{server.port}")
        monkeypatch.setenv("ODIBI_SYSLOG__FACILITY", "local0")
        run(tmp_path)
        assert close_exports(30)
        assert server.read(1)[0].startswith(b"<134>1 ")


def test_the_journal_by_one_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`journald` stands for the socket of systemd."""
    journal = TARGETS["journald"]
    monkeypatch.setitem(TARGETS, "journald", journal._replace(fallback=str(tmp_path / "journal")))
    with Datagrams(tmp_path / "journal") as server:
        monkeypatch.setenv("ODIBI_SYSLOG__ADDRESS", "journald")
        run(tmp_path)
        assert close_exports(30)
        assert journal_fields(server.read(1)[0])["ODIBI_EVENT_TYPE"] == "pipeline_start"


def test_a_dead_server_loses_its_lines_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each dropped line is counted, stderr names the setting, and `odibi ship` can send them from the record."""
    monkeypatch.setenv("ODIBI_LOKI__URL", dead_url())
    assert run(tmp_path)
    (delivery,) = deliveries()
    assert not close_exports(0.5)
    counts = delivery.counts
    assert (counts.is_whole, counts.sent, counts.dropped.total()) == (True, 0, counts.accepted)
    assert counts.accepted > 20
    assert "check ODIBI_LOKI__URL" in capsys.readouterr().err


def test_a_wrong_setting_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on."""
    monkeypatch.setenv("ODIBI_ELASTIC__URL", "http://localhost:1")
    monkeypatch.setenv("ODIBI_ELASTIC__INDEX", "Logs Of Mine")
    assert run(tmp_path)
    assert not deliveries()
    assert capsys.readouterr().err.count("ODIBI_ELASTIC__INDEX") == 1
