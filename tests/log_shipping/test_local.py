"""Events for syslog and journald: messages that a receiver can parse, whatever the values hold."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from tests.log_shipping.servers import Datagrams, journal_fields
from tests.log_shipping.test_loki import events

from odibi_core.delivery import SENT
from odibi_core.errors import ConfigurationError
from odibi_core.log_shipping.journald import JournaldReceiver
from odibi_core.log_shipping.syslog import LONGEST, SyslogReceiver
from odibi_core.testing import an_event

RFC5424 = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<at>\S+) (?P<host>\S+) (?P<app>\S+) (?P<pid>\S+) (?P<id>\S+) "
    r'(?P<data>-|\[odibi@32473(?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")+\]) (?P<text>[^\n\r]*)'
)
HOSTILE = an_event(
    "a b\n<13>",
    message="line\n<0>1 forged\x1b[2J",
    node_name='q"]\\ \n',
    level="critical",
    error="e" * 3000,
    run_id="r9",
)


def test_udp_has_rfc_5424() -> None:
    """The priority from facility and level, the run's host and process, the rest as structured data."""
    with Datagrams() as server:
        own = SyslogReceiver(f"udp://127.0.0.1:{server.port}", service="etl", facility="local3")
        assert own.send([*events(2), HOSTILE], 5) is SENT
        found = [RFC5424.fullmatch(each.decode()) for each in server.read(3)]
    assert all(found), found
    _, second, hostile = found
    assert second is not None
    assert hostile is not None
    assert second.groupdict() | {"data": ""} == {
        "priority": str(19 * 8 + 6), "at": "2026-01-01T00:00:01.000000Z", "host": "etl-1", "app": "etl", "pid": "7",
        "id": "node_complete", "data": "", "text": "Node 'clean' completed",
    }  # fmt: skip
    assert 'run_id="r1" node_name="clean"' in second["data"]
    assert 'pipeline="daily"' in second["data"]
    assert hostile["priority"] == str(19 * 8 + 2)
    assert hostile["text"] == "line <0>1 forged [2J"


def test_tcp_counts_the_bytes() -> None:
    """A message begins with its length, so that none can forge the next."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = SyslogReceiver(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert own.send([HOSTILE, HOSTILE], 5) is SENT
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            found = connection.recv(1 << 16)
    size, _, rest = found.partition(b" ")
    message, following = rest[: int(size)], rest[int(size) :]
    assert RFC5424.fullmatch(message.decode())
    assert following == found[: len(following)]


def test_a_local_socket_has_the_local_form(tmp_path: Path) -> None:
    """As `logger` writes it; without a socket nothing is lost and the setting is named."""
    path = tmp_path / "log"
    own = SyslogReceiver(str(path))
    outcome = own.send(events(), 5)
    assert (outcome.is_unsent, outcome.reason) == (True, "no_socket")
    assert "ODIBI_SYSLOG__ADDRESS" in outcome.detail
    with Datagrams(path) as server:
        assert own.send(events(2), 5) is SENT
        first, second = (each.decode() for each in server.read(2))
    assert re.fullmatch(r'<14>Jan +\d+ \d\d:\d\d:\d\d odibi\[7\]: .+ run_id="r1"', first)
    assert 'node_name="clean"' in second


@pytest.mark.parametrize("address", ["udp://", "http://h:514", "udp://h:99999", "log", "udp://h:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """It names the setting and the forms."""
    with pytest.raises(ConfigurationError, match=r"ODIBI_SYSLOG__ADDRESS must be udp://host:514"):
        SyslogReceiver(address)


def test_the_journal_has_a_field_for_each_part(tmp_path: Path) -> None:
    """A value with line ends has its length before it, so that no value can forge a field."""
    path = tmp_path / "journal"
    with Datagrams(path) as server:
        own = JournaldReceiver(str(path), service="etl")
        forged = an_event("log", message="a\nPRIORITY=0\nb", level="warning", **{"code.line.number": 12})
        assert own.send([*events(2), forged], 5) is SENT
        _, second, third = (journal_fields(each) for each in server.read(3))
    assert second["MESSAGE"] == "Node 'clean' completed"
    assert (second["PRIORITY"], second["SYSLOG_IDENTIFIER"], second["SYSLOG_PID"]) == ("6", "etl", "7")
    assert (second["ODIBI_RUN_ID"], second["ODIBI_PIPELINE"]) == ("r1", "daily")
    assert '"node_name":"clean"' in second["ODIBI_EVENT"]
    assert (third["MESSAGE"], third["PRIORITY"], third["CODE_LINE"]) == ("a\nPRIORITY=0\nb", "4", "12")


def test_what_a_socket_does_not_take_is_shortened(tmp_path: Path) -> None:
    """A datagram has a largest size: an event beyond it loses its JSON and the ends of its values."""
    path = tmp_path / "journal"
    with Datagrams(path) as server:
        huge = an_event("log", message="m" * 900_000, about="a" * 900_000)
        assert JournaldReceiver(str(path)).send([huge], 5) is SENT
        (found,) = server.read(1)
    assert len(journal_fields(found)["MESSAGE"]) == 16_384
    assert "ODIBI_EVENT" not in journal_fields(found)
    message = SyslogReceiver("udp://127.0.0.1").message(an_event("log", message="ü" * 9000))
    assert len(message) <= LONGEST
    assert message.decode().endswith("ü…")
