"""A shared store on a real S3 server: outages, slow answers, expired credentials, and secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.history.remote.hosts import record_run, recorded, shared, ship_all
from tests.services.s3_server import CREDENTIALS, Proxy
from typer.testing import CliRunner

from odibi_core.cli import app
from odibi_core.errors import RemoteStoreError
from odibi_core.history.remote import read_address, sync
from odibi_core.history.remote.objects import open_objects
from odibi_core.store.runs import RunStore

PROGRAM = """
from odibi_core import node, observe
with observe("nightly"):
    node(lambda: [1, 2])()
"""


def test_many_hosts_are_one_history(tmp_path: Path, bucket: str) -> None:
    """Four hosts ship, a fifth reads: each event once."""
    here: dict[str, list[tuple[str, int]]] = {}
    for host in "abcd":
        for _ in range(3):
            record_run(tmp_path / host, f"of-{host}", host=host)
        ship_all(tmp_path / host, bucket)
        here |= recorded(tmp_path / host)
    assert shared(bucket) == here


def test_connect_proves_a_bucket_and_leaves_no_object(bucket: str, proxy: Proxy) -> None:
    """The test object arrives and is removed; no secret is written; a bucket that is not there is named."""
    done = CliRunner().invoke(app, ["connect", "s3", "--set", f"url={bucket}", "--format", "json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["status"]) == (0, "arrived"), done.output
    assert proxy.requests >= 3
    assert not open_objects(read_address(bucket)).find("")
    done = CliRunner().invoke(app, ["connect", "s3", "--set", "url=s3://no-such-bucket/x", "--format", "json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["status"]) == (1, "failed")
    assert "no-such-bucket" in found["message"]
    assert CREDENTIALS["AWS_SECRET_ACCESS_KEY"] not in done.output + Path("odibi.toml").read_text("utf-8")


def test_a_program_ships_at_its_end(tmp_path: Path, bucket: str) -> None:
    """A program of four lines and one variable; the command reads it from the same address."""
    variables = {**os.environ, "ODIBI_STORE__URL": bucket, "ODIBI_STORE__SHIP_WAIT_S": "60"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert shared(bucket) == recorded(tmp_path / ".odibi")


def test_an_outage_loses_nothing(tmp_path: Path, bucket: str, proxy: Proxy) -> None:
    """The server is stopped and started again: the message is clear, and the next shipment has everything."""
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", bucket)
    shared(bucket)
    proxy.stop()
    record_run(tmp_path / "local")
    with pytest.raises(RemoteStoreError, match="there is no connection"):
        ship_all(tmp_path / "local", bucket)
    mirror = sync(read_address(bucket))
    assert "there is no connection" in mirror.problem
    assert len(RunStore(mirror.root).ids()) == 1
    proxy.start()
    ship_all(tmp_path / "local", bucket)
    assert shared(bucket) == recorded(tmp_path / "local")


def test_expired_credentials_lose_nothing(tmp_path: Path, bucket: str, proxy: Proxy) -> None:
    """The message names what to do, and the run stays where it is until that was done."""
    record_run(tmp_path / "local")
    proxy.mode = "expired"
    with pytest.raises(RemoteStoreError, match="credentials have expired; renew them"):
        ship_all(tmp_path / "local", bucket)
    proxy.mode = "pass"
    ship_all(tmp_path / "local", bucket)
    assert shared(bucket) == recorded(tmp_path / "local")


def test_slow_answers_lose_nothing(tmp_path: Path, bucket: str, proxy: Proxy) -> None:
    """Every piece of every request is delayed."""
    proxy.mode = "slow"
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", bucket)
    assert shared(bucket) == recorded(tmp_path / "local")


def test_a_bucket_that_does_not_exist_is_named(tmp_path: Path, bucket: str) -> None:
    """For the writer and for the reader: not an empty history."""
    record_run(tmp_path / "local")
    with pytest.raises(RemoteStoreError, match="s3://no-such-bucket/x cannot be used: the bucket does not exist"):
        ship_all(tmp_path / "local", "s3://no-such-bucket/x")
    with pytest.raises(RemoteStoreError, match="the bucket does not exist"):
        shared("s3://no-such-bucket/x")


def test_missing_credentials_are_named(tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has what to set."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    record_run(tmp_path / "local")
    with pytest.raises(RemoteStoreError, match="there are no credentials; set"):
        ship_all(tmp_path / "local", bucket)


def test_a_run_and_its_readers_make_few_requests(tmp_path: Path, bucket: str, proxy: Proxy) -> None:
    """One request for a run; for a reader the days, today, and what is new."""
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", bucket)
    assert proxy.requests == 1
    ship_all(tmp_path / "local", bucket)
    assert proxy.requests == 1


def test_credentials_are_in_no_file_and_no_message(
    tmp_path: Path, bucket: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the record, nor in notes, nor in the copy, nor in the names of both, nor in the errors."""
    record_run(tmp_path / "local")
    ship_all(tmp_path / "local", bucket)
    shared(bucket)
    messages = []
    for mode in ("expired", "stopped"):
        record_run(tmp_path / "local")
        proxy.mode = mode
        if mode == "stopped":
            proxy.stop()
        with pytest.raises(RemoteStoreError) as failed:
            ship_all(tmp_path / "local", bucket)
        messages.append(str(failed.value))
        assert failed.value.__cause__ is None
    secrets = [CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    texts = [*messages, *map(str, tmp_path.rglob("*")), *(path.read_text("utf-8", "replace") for path in written)]
    assert len(written) > 3
    assert not [text for text in texts for secret in secrets if secret in text]


def test_a_store_that_does_not_answer_delays_the_end_no_longer_than_allowed(
    tmp_path: Path, bucket: str, proxy: Proxy
) -> None:
    """The program ends with its own exit code and one notice; the next one ships both runs."""
    proxy.mode = "silent"
    variables = {**os.environ, "ODIBI_STORE__URL": bucket, "ODIBI_STORE__SHIP_WAIT_S": "0.5"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr.count("\n") == 1
    assert "was shipped" in done.stderr
    assert "odibi store ship" in done.stderr
    proxy.mode = "pass"
    variables["ODIBI_STORE__SHIP_WAIT_S"] = "60"
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    assert shared(bucket) == recorded(tmp_path / ".odibi")
    assert len(shared(bucket)) == 2


def test_a_whole_program_is_shipped_at_its_end(tmp_path: Path, bucket: str) -> None:
    """The run of `init_observability` ends after the interpreter began to end: its end is shipped all the same."""
    program = "from odibi_core.observability import get_logger, init_observability\ninit_observability()\n"
    program += "get_logger('shop').info('orders_loaded', rows=3)"
    variables = {**os.environ, "ODIBI_STORE__URL": bucket, "ODIBI_STORE__SHIP_WAIT_S": "60", "LOG_LEVEL": "error"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert shared(bucket) == recorded(tmp_path / ".odibi")
    (row,) = RunStore(sync(read_address(bucket)).root).runs()
    assert row.status == "success"


HOST = """
import sys
from odibi_core import node, observe
with observe(sys.argv[1]):
    node(lambda: [1, 2])()
"""


def test_two_hosts_are_read_on_a_third(tmp_path: Path, bucket: str) -> None:
    """Programs on machines of their own names, at the same time; where the system allows, by namespaces of it."""
    variables = {**os.environ, "ODIBI_STORE__URL": bucket, "ODIBI_STORE__SHIP_WAIT_S": "60"}
    started = []
    for host in ("host-a", "host-b"):
        (tmp_path / host).mkdir()
        program = [sys.executable, "-c", HOST, f"of-{host}"]
        inside = ["unshare", "--uts", "sh", "-c", f'hostname {host}; exec "$@"', "sh"] if _has_namespaces() else []
        started.append(subprocess.Popen([*inside, *program], cwd=tmp_path / host, env=variables))
    assert [each.wait(120) for each in started] == [0, 0]
    rows = RunStore(sync(read_address(bucket)).root).runs()
    assert {row.pipeline_name for row in rows} == {"of-host-a", "of-host-b"}
    assert {row.status for row in rows} == {"success"}
    if _has_namespaces():
        assert {row.host for row in rows} == {"host-a", "host-b"}


def _has_namespaces() -> bool:
    return subprocess.run(["unshare", "--uts", "hostname", "x"], capture_output=True, check=False).returncode == 0
