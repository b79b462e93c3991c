"""The step cache in a shared store: what one host made, another one takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.services.s3_server import Proxy
from typer.testing import CliRunner

from odibi_core import Orchestrator
from odibi_core.bus.bus import EventBus
from odibi_core.cli import app
from odibi_core.errors import ConfigurationError
from odibi_core.history.remote import read_address, ship
from odibi_core.history.remote.objects import open_objects
from odibi_core.history.remote.shipper import Shipper
from odibi_core.history.remote.spool import spooled
from odibi_core.runtime import shared_entries
from odibi_core.settings import set_config
from odibi_core.testing import RecordingSink


def orders() -> pl.DataFrame:
    return pl.DataFrame({"id": [1, 2, 3], "price": [1.5, None, 4.0]})


def paid(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.drop_nulls()


class Host:
    """Runs the pipeline with a store and a cache of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
        """Run it, and return the answer of the cache and its fields for each step."""
        monkeypatch.setenv("ODIBI_STORE__DIR", str(self.root))
        set_config(None)
        heard, bus = RecordingSink(), EventBus()
        bus.subscribe(heard)
        result = Orchestrator([orders, paid], "polars", cache=True, event_bus=bus, keep="all").execute()
        assert result.data["paid"].rows() == [(1, 1.5), (3, 4.0)]
        answers = [event for event in heard.events if event.event_type.startswith("cache_")]
        return {str(event.node_name): {"answer": event.event_type, **event.fields} for event in answers}


@pytest.fixture(autouse=True)
def _only_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread ships beside a test."""
    monkeypatch.setattr(Shipper, "_start", lambda self: None)


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a shared store, which the settings name."""
    given: str = f"file://{tmp_path}/share" if request.param == "folder" else request.getfixturevalue("bucket")
    monkeypatch.setenv("ODIBI_STORE__URL", given)
    monkeypatch.setenv("ODIBI_CACHE__SHARED", "true")
    yield given
    set_config(None)


def test_an_entry_of_one_host_is_a_hit_on_another(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is then an entry of that host too, which needs no shared store any more."""
    first, second = Host(tmp_path / "a"), Host(tmp_path / "b")
    assert {each["answer"] for each in first.run(monkeypatch).values()} == {"cache_miss"}
    ship(first.root, read_address(url))
    answers = second.run(monkeypatch)
    assert {(each["answer"], each["shared"]) for each in answers.values()} == {("cache_hit", True)}
    assert all("shared" not in each for each in second.run(monkeypatch).values())
    assert not list(spooled(second.root))


@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_without_the_setting_nothing_is_shared(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are not redacted."""
    monkeypatch.setenv("ODIBI_CACHE__SHARED", "false")
    Host(tmp_path / "a").run(monkeypatch)
    ship(tmp_path / "a", read_address(url))
    assert open_objects(read_address(url)).find("cache") == []


@pytest.mark.parametrize("url", ["folder"], indirect=True)
@pytest.mark.parametrize("name", ["manifest.json", "arrow"])
def test_a_damaged_entry_is_never_used(
    name: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step runs, and its entry replaces the damaged one."""
    Host(tmp_path / "a").run(monkeypatch)
    ship(tmp_path / "a", read_address(url))
    objects = open_objects(read_address(url))
    for each in objects.find("cache"):
        if each.name.endswith(name):
            content = bytearray(objects.read(each.name))
            content[len(content) // 2] ^= 1
            objects.write(each.name, bytes(content))
    second = Host(tmp_path / "b")
    assert {each["answer"] for each in second.run(monkeypatch).values()} == {"cache_miss"}
    ship(second.root, read_address(url))
    assert {each["answer"] for each in Host(tmp_path / "c").run(monkeypatch).values()} == {"cache_hit"}


def test_an_outage_is_stated_once_and_entries_are_shipped_later(
    proxy: Proxy, bucket: str, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """The steps run; each miss has the reason."""
    monkeypatch.setenv("ODIBI_STORE__URL", bucket)
    monkeypatch.setenv("ODIBI_CACHE__SHARED", "true")
    proxy.stop()
    answers = Host(tmp_path / "a").run(monkeypatch)
    assert all(bucket in each["not_shared"] for each in answers.values())
    assert caplog.text.count("does without the shared store") == 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    ship(tmp_path / "a", read_address(bucket))
    assert {each["answer"] for each in Host(tmp_path / "b").run(monkeypatch).values()} == {"cache_hit"}
    set_config(None)


@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_an_entry_that_was_evicted_before_it_was_shipped_is_left_out(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is a note that cannot be read."""
    host = Host(tmp_path / "a")
    host.run(monkeypatch)
    notes = [note for note, _ in spooled(host.root)]
    assert len(notes) == 2
    next((host.root / "cache").glob("entries/*/*/*.arrow")).unlink()
    notes[0].write_text("{")
    notes[0].rename(notes[0].with_name("torn.json"))
    ship(host.root, read_address(url))
    assert list(spooled(host.root)) == []


def test_a_shared_cache_needs_a_shared_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a record that is shipped."""
    monkeypatch.setenv("ODIBI_CACHE__SHARED", "true")
    monkeypatch.setenv("ODIBI_CACHE__DIR", str(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match=r"needs store\.url"):
        Orchestrator([orders], cache=True)
    monkeypatch.setenv("ODIBI_STORE__URL", f"file://{tmp_path}/share")
    with pytest.raises(ConfigurationError, match="needs a run with a store"):
        Orchestrator([orders], cache=True, store=False)
    set_config(None)


@pytest.mark.parametrize("url", ["folder"], indirect=True)
def test_the_commands_list_and_prune_the_shared_entries(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were shipped first are removed, whole."""
    Host(tmp_path / "a").run(monkeypatch)
    ship(tmp_path / "a", read_address(url))

    def asked(*arguments: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["cache", *arguments, "--format", "json"])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if code == 0 else done.stderr

    listed = asked("ls", "--shared")["entries"]
    assert {each["step"] for each in listed} == {"orders", "paid"}
    assert "--shared needs --max-gb" in asked("prune", "--shared", code=2)
    most = sorted(each["bytes"] for each in listed)[-1] / 1e9
    assert (len(asked("prune", "--shared", "--max-gb", f"{most:.9f}")["removed"])) == 1
    assert asked("prune", "--shared", "--max-gb", "0")["left"] == 0
    assert open_objects(read_address(url)).find(shared_entries.FOLDER) == []
