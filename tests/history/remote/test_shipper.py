"""Shipping during a program: in the background, bounded, and never in the way of the observed code."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.history.remote.hosts import record_run, recorded, shared

from odibi_core import node, observe
from odibi_core.errors import ConfigurationError, MissingExtraError, RemoteStoreError
from odibi_core.history.remote import shipper as shipping
from odibi_core.history.remote.address import Address, read_address
from odibi_core.history.remote.objects import FolderObjects, Objects
from odibi_core.history.remote.shipper import Shipper

PROGRAM = """
import sys
from odibi_core import node, observe
with observe("nightly"):
    node(lambda: [1, 2])()
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"fsspec", "s3fs"}))
print("odibi_core.history.remote" in sys.modules)
"""


class Share(FolderObjects):
    """A shared folder that can be down, and can hold a request until `release` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_down = False
        self.requests = 0
        self.release = threading.Event()
        self.release.set()

    def write(self, name: str, content: bytes) -> None:
        self.requests += 1
        self.release.wait(60)
        if self.is_down:
            raise RemoteStoreError("s3://bucket cannot be used: there is no connection")
        super().write(name, content)


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(tmp_path / "share")


def started(root: Path, share: Share, every_s: float = 3600.0) -> Shipper:
    """Return a shipper to a share."""

    def connect(address: Address) -> Objects:
        return share

    return Shipper(root, read_address(str(share.folder)), every_s, connect)


def test_a_run_is_shipped_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ODIBI_STORE__URL` is all that a program needs."""
    monkeypatch.setenv("ODIBI_STORE__URL", str(tmp_path / "share"))
    with observe("nightly", store=tmp_path / "local"):
        node(lambda: [1, 2])()
    (shipper,) = shipping._shippers.known.values()
    assert shipper.wait(30)
    assert shared(str(tmp_path / "share")) == recorded(tmp_path / "local")


def test_a_store_may_be_named_by_its_url(tmp_path: Path) -> None:
    """`store=` takes the URL of a shared store: the run is recorded in the default folder and shipped."""
    with observe("nightly", store=(tmp_path / "share").as_uri()) as run:
        node(lambda: [1, 2])()
    (shipper,) = shipping._shippers.known.values()
    assert shipper.wait(30)
    assert list(shared(str(tmp_path / "share"))) == [run.run_id]


def test_without_a_url_nothing_is_loaded(tmp_path: Path) -> None:
    """No module, no library, no thread."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_wrong_url_is_an_error_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder of a run is made, and no step is called."""
    monkeypatch.setattr("odibi_core.history.remote.address.find_spec", lambda name: None)
    for url, error in (("s3://bucket/x", MissingExtraError), ("ftp://host/x", ConfigurationError)):
        monkeypatch.setenv("ODIBI_STORE__URL", url)
        with pytest.raises(error):
            observe("nightly", store=tmp_path / "local")
    assert not (tmp_path / "local").exists()


def test_a_lasting_run_is_shipped_meanwhile(tmp_path: Path, share: Share) -> None:
    """Every so many seconds, its whole lines."""
    run_id = record_run(tmp_path / "local", is_open=True)
    shipper = started(tmp_path / "local", share, every_s=0.01)
    shipper.follow(run_id)
    while not share.find("hot"):
        assert shipper._thread is not None
    assert shared(str(share.folder)) == recorded(tmp_path / "local")
    shipper.end(run_id)
    assert shipper.wait(30)


def test_a_silent_run_gives_a_sign_of_life(tmp_path: Path, share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise other hosts would take a long step for a lost run."""
    monkeypatch.setattr(shipping, "_RENEW_S", 0.0)
    run_id = record_run(tmp_path / "local", is_open=True)
    shipper = started(tmp_path / "local", share, every_s=0.01)
    shipper.follow(run_id)
    while not any(each.name.endswith(f"{run_id}/alive") for each in share.find("hot")):
        assert shipper._thread is not None
    shipper.end(run_id)
    assert shipper.wait(30)


def test_the_thread_ends_with_the_last_run(tmp_path: Path, share: Share) -> None:
    """A program that runs for months does not keep a thread for a run of its first day."""
    shipper = started(tmp_path / "local", share)
    shipper.end(record_run(tmp_path / "local"))
    thread = shipper._thread
    assert thread is not None
    thread.join(30)
    assert not thread.is_alive()
    assert shipper.wait(0)


def test_a_slow_store_does_not_delay_the_program(
    tmp_path: Path, share: Share, capsys: pytest.CaptureFixture[str]
) -> None:
    """`follow` and `end` return while a request hangs; the end of the program waits so long and no longer."""
    share.release.clear()
    shipper = started(tmp_path / "local", share, every_s=0.01)
    run_id = record_run(tmp_path / "local")
    shipper.follow(run_id)
    shipper.end(run_id)
    while not share.requests:
        assert shipper._thread is not None
    shipper.finish(0.05)
    shipper.finish(0.05)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "odibi store ship" in said
    share.release.set()
    assert shipper.wait(30)
    assert shared(str(share.folder)) == recorded(tmp_path / "local")


def test_an_outage_is_one_notice_and_no_loss(tmp_path: Path, share: Share, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is shipped when the store is back, by the same program or by the next."""
    share.is_down = True
    shipper = started(tmp_path / "local", share)
    for _ in range(3):
        shipper.end(record_run(tmp_path / "local"))
        assert not shipper.wait(30)
    shipper.finish(0.05)
    assert capsys.readouterr().err.count("\n") == 1
    assert "no connection" in shipper.problem
    share.is_down = False
    shipper.end(record_run(tmp_path / "local"))
    assert shipper.wait(30)
    assert shipper.problem == ""
    assert shared(str(share.folder)) == recorded(tmp_path / "local")


def test_the_next_program_ships_what_a_crash_left(tmp_path: Path, share: Share) -> None:
    """The first shipment of a program looks at the whole store."""
    record_run(tmp_path / "local", "crashed")
    shipper = started(tmp_path / "local", share)
    shipper.end(record_run(tmp_path / "local", "next"))
    assert shipper.wait(30)
    assert shared(str(share.folder)) == recorded(tmp_path / "local")


def test_a_broken_library_does_not_end_the_thread_with_an_error(tmp_path: Path, share: Share) -> None:
    """An error of any kind is a notice, and the next attempt begins anew."""
    shipper = started(tmp_path / "local", share)

    def broken(name: str, content: bytes) -> None:
        raise RuntimeError("the library is broken")

    share.write = broken  # type: ignore[method-assign]
    shipper.end(record_run(tmp_path / "local"))
    assert not shipper.wait(30)
    assert shipper.problem == "RuntimeError: the library is broken"


def test_a_forked_child_ships_nothing_itself(tmp_path: Path, share: Share) -> None:
    """Its thread is the parent's; the parent ships what the child records."""
    import os

    shipping._shippers.known[tmp_path, read_address("/x")] = started(tmp_path / "local", share)
    child = os.fork()
    if not child:
        os._exit(len(shipping._shippers.known))
    assert os.waitpid(child, 0)[1] == 0
    assert len(shipping._shippers.known) == 1
