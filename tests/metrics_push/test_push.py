"""Metrics of runs that end before a scrape: equal to those of the run, pushed, or as a file of the collector."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import cramjam
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.delivery.loopback import Reply, dead_url, loopback
from tests.ports import kept_port
from tests.services import servers
from tests.services.prometheus_server import prometheus, wait_for

import odibi_core
from odibi_core.delivery import SENT, HttpClient, deliveries
from odibi_core.delivery.delivery import Delivery
from odibi_core.errors import PipelineError
from odibi_core.metrics.manager import MetricsManager
from odibi_core.metrics_push.pushgateway import PushgatewayReceiver
from odibi_core.metrics_push.remote_write import RemoteWriteReceiver, _libraries, samples_of
from odibi_core.metrics_push.run_metrics import RunMetrics, RunText, with_pipeline
from odibi_core.metrics_push.textfile import TextfileReceiver
from odibi_core.observability import get_metrics
from odibi_core.runtime.exports import close_exports
from odibi_core.store.runs import RunStore

PUSHGATEWAY = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Delivery, "_pause", lambda self, seconds: self._closing.wait(min(seconds, 0.001)))
    yield
    close_exports(0)


def clean() -> list[dict[str, int]]:
    get_metrics().set_gauge("queue_depth", "loader", 3, labels={"shard": 'a"],{x="1'})
    get_metrics().observe("fetch_ms", "loader", 41.5)
    return [{"n": 1}, {"n": 2}]


def fail() -> None:
    raise ValueError("no")


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_of_a_run_are_those_of_its_manager(tmp_path: Path) -> None:
    """The fold of the recorded events has each sample that the run's own manager exports, but facts of the process."""
    metrics = MetricsManager()
    done = odibi_core.run([clean], pipeline_name="daily", store=tmp_path, metrics_manager=metrics)
    fold = RunMetrics()
    found = [ended for event in RunStore(tmp_path).read(str(done["run_id"])) if (ended := fold(event))]
    assert [run.pipeline for run in found] == ["daily"]
    own = {key: value for key, value in samples(metrics.export_prometheus()).items() if "process" not in key[0]}
    assert samples(found[0].text) == {
        key: value for key, value in own.items() if key[0] != "odibi_uptime_seconds"
    }
    assert any(name == "odibi_pipeline_last_run_failed" for name, _ in samples(found[0].text))


def test_each_sample_of_a_file_has_its_pipeline() -> None:
    """The collector refuses a series that two files have. A value that looks like a label is none."""
    metrics = MetricsManager()
    metrics.increment("plain")
    metrics.set_gauge("depth", "n", 1, labels={"a": 'x",pipeline="y', "pipelines": "z"})
    metrics.set_gauge("own", None, 1, labels={"pipeline": "monthly"})
    metrics.observe("fetch_ms", None, 3.0)
    text = with_pipeline(metrics.export_prometheus(), 'pipeline="daily"')
    named = {(name, dict(labels)["pipeline"]) for name, labels in samples(text)}
    assert ("odibi_own", "monthly") in named
    assert {pipeline for name, pipeline in named if name != "odibi_own"} == {"daily"}
    assert {key[0] for key in samples(text)} == {key[0] for key in samples(metrics.export_prometheus())}


def test_a_file_is_readable_and_keeps_the_last_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the setting; a run that fails replaces the file and leaves the time of the last success."""
    monkeypatch.setenv("ODIBI_METRICS__TEXTFILE", str(tmp_path / "collector"))
    odibi_core.run([clean], pipeline_name="daily / 1", store=tmp_path / "store")
    assert close_exports(30)
    (file,) = (tmp_path / "collector").iterdir()
    assert file.name.startswith("odibi_daily")
    assert file.name.endswith(".prom")
    assert file.stat().st_mode & 0o777 == 0o644
    first = samples(file.read_text("utf-8"))
    last_success = ("odibi_pipeline_last_success_timestamp_seconds", (("pipeline", "daily / 1"),))
    with pytest.raises(PipelineError):
        odibi_core.run([fail], pipeline_name="daily / 1", store=tmp_path / "store")
    assert close_exports(30)
    second = samples(file.read_text("utf-8"))
    assert second[last_success] == first[last_success]
    assert second["odibi_pipeline_last_run_failed", (("pipeline", "daily / 1"),)] == 1
    assert [each.name for each in (tmp_path / "collector").iterdir()] == [file.name]


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    """And the setting is named."""
    (tmp_path / "file").write_text("")
    outcome = TextfileReceiver(tmp_path / "file" / "folder").send([RunText("p", "a 1\n")], 1)
    assert outcome.is_unsent
    assert "ODIBI_METRICS__TEXTFILE" in outcome.detail


def test_a_push_has_its_group_in_the_path() -> None:
    """A name with a slash, an empty one and dots are base64; the answer of a refusal is in the detail."""
    with loopback(Reply(400, {}, b"inconsistent metrics"), Reply(503)) as server:
        receiver = PushgatewayReceiver(HttpClient(server.url, setting="ODIBI_METRICS__PUSHGATEWAY"), "nightly/etl")
        refused = receiver.send([RunText("daily", "a 1\n"), RunText("b", "b 1\n")], 5)
        assert (refused.is_unsent, refused.reason) == (True, "http_503")  # the first is pushed again
        assert receiver.send([RunText("daily", "a 1\n")], 5) is SENT
        server.script = [Reply(400, {}, b"inconsistent metrics")]
        refused = receiver.send([RunText("..", "a 1\n")], 5)
    assert (refused.refused, refused.reason) == (1, "http_400")
    assert "inconsistent metrics" in refused.detail
    job = base64.urlsafe_b64encode(b"nightly/etl").decode()
    assert server.requests[0].path == f"/metrics/job@base64/{job}/pipeline/daily"
    assert server.requests[-1].path.endswith("/pipeline@base64/Li4=")


def test_a_dead_gateway_is_counted_and_breaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push that was not taken at the end is dropped as `exit`."""
    monkeypatch.setenv("ODIBI_METRICS__PUSHGATEWAY", dead_url())
    assert odibi_core.run([clean], pipeline_name="daily", store=tmp_path)["success"]
    found = {each.name: each for each in deliveries()}
    assert not close_exports(1)
    assert found["pushgateway"].counts.dropped.total() == 1
    assert all(each.counts.is_whole for each in found.values())


def test_remote_write_has_each_sample_with_the_time_of_the_end() -> None:
    """As the text has them, values that look like labels too; sorted labels, as the protocol asks for."""
    metrics = MetricsManager()
    metrics.set_gauge("depth", "n", 1.5, labels={"a": 'x",b="\\y\nz}', "pipeline": "own"})
    metrics.observe("fetch_ms", None, 3.0)
    run = RunText("daily", metrics.export_prometheus(), 1234)
    assert {
        (name, tuple(sorted(labels.items()))): value for name, labels, value in samples_of(run.text)
    } == samples(run.text)
    with loopback(Reply(500), Reply(204), Reply(400, {}, b"out of order sample")) as server:
        receiver = RemoteWriteReceiver(HttpClient(server.url, setting="ODIBI_METRICS__REMOTE_WRITE"), "etl")
        assert receiver.send([run], 5).is_unsent
        assert receiver.send([run], 5) is SENT
        outcome = receiver.send([run], 5)
    assert (outcome.refused, "out of order" in outcome.detail) == (1, True)
    request = _libraries()[1].FromString(bytes(cramjam.snappy.decompress_raw(server.requests[1].body)))
    found = {}
    for series in request.timeseries:
        labels = [(label.name, label.value) for label in series.labels]
        assert labels == sorted(labels)
        assert [sample.timestamp for sample in series.samples] == [1234]
        found[tuple(labels)] = series.samples[0].value
    own = {("__name__", "odibi_depth"), ("pipeline", "own"), ("job", "etl")}
    assert [value for labels, value in found.items() if own <= set(labels)] == [1.5]
    assert len(found) == len(samples(run.text))
    assert server.requests[1].headers["content-encoding"] == "snappy"


@pytest.mark.services
def test_a_real_prometheus_takes_remote_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with the run of the pipeline, and refused nothing."""
    with prometheus(tmp_path, "global: {}\n", "--web.enable-remote-write-receiver") as server:
        monkeypatch.setenv("ODIBI_METRICS__REMOTE_WRITE", f"{server.url}/api/v1/write")
        monkeypatch.setenv("SERVICE_NAME", "etl")
        odibi_core.run([clean], pipeline_name="daily", store=tmp_path / "store")
        (writer,) = (each for each in deliveries() if each.name == "remote_write")
        assert close_exports(30)
        assert (writer.counts.sent, writer.dropped) == (1, {})
        found = server.eventually('odibi_pipeline_last_run_failed{job="etl",pipeline="daily"}')
    assert [each.value for each in found] == [0]


@pytest.mark.services
def test_a_real_pushgateway_serves_what_was_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of one pipeline and one of another: each series once, the last success kept, no push refused."""
    assert PUSHGATEWAY, "prometheus-pushgateway is not installed (Debian: prometheus-pushgateway)"
    port = kept_port()
    url = f"http://127.0.0.1:{port}"
    command = [PUSHGATEWAY, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    client = HttpClient(url, setting="ODIBI_METRICS__PUSHGATEWAY")

    def is_up() -> bool:
        return bool(_get(client))

    with servers.serving(command, tmp_path / "output.txt", is_up):
        monkeypatch.setenv("ODIBI_METRICS__PUSHGATEWAY", url)
        monkeypatch.setenv("SERVICE_NAME", "etl")
        odibi_core.run([clean], pipeline_name="daily", store=tmp_path / "store")
        odibi_core.run([clean], pipeline_name="monthly/α", store=tmp_path / "store")
        with pytest.raises(PipelineError):
            odibi_core.run([fail], pipeline_name="daily", store=tmp_path / "store")
        assert close_exports(30)
        found = wait_for(lambda: samples(_get(client)))
    assert found
    of_daily = {
        name: value
        for (name, labels), value in found.items()
        if {("job", "etl"), ("pipeline", "daily")} <= set(labels)
    }
    assert of_daily["odibi_pipeline_last_run_failed"] == 1
    assert of_daily["odibi_pipeline_last_success_timestamp_seconds"] > 1e9
    assert of_daily["push_failure_time_seconds"] == 0
    assert any(dict(labels).get("pipeline") == "monthly/α" for _, labels in found)


def _get(client: HttpClient) -> str:
    try:
        return client.request("GET", url=f"{client.url}/metrics").body.decode()
    except Exception:
        return ""

