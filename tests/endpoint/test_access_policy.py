"""The access policy of the endpoint: the values of `Host` that name this machine, read strictly."""

from __future__ import annotations

import pytest

from odibi_core.endpoint.access_policy import AccessPolicy

LOOPBACK = AccessPolicy("127.0.0.1", "")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:9090",
        "LocalHost",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:65535",
        "127.0.0.2",
        "10.1.2.3",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]:1",
        "[2001:DB8::1]",
    ],
)
def test_an_address_or_a_name_of_this_machine_is_allowed(host: str) -> None:
    """A name server cannot redirect an address; any port is allowed, because it may be a forwarded one."""
    assert LOOPBACK.refusal(host, "") is None


@pytest.mark.parametrize(
    "host",
    [
        "[::1].evil",
        "[::1].evil.example:8000",
        "[::1]x",
        "[::1]:8000.evil",
        "[::1",
        "::1",
        "[]",
        "[::1]]",
        "[[::1]]",
        "x[::1]",
        "[localhost]",
        "[127.0.0.1]x",
        "[::1%25eth0]",
        "127.0.0.1.evil",
        "127.0.0.1.evil:8000",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:80:80",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:+80",
        "127.0.0.1:8 0",
        "localhost:65536",
        "localhost.evil",
        "localhost:80.evil",
        "localhost..",
        "localhost:80@evil",
        "evil@localhost",
        "user:pw@127.0.0.1",
        "localhost/evil",
        "localhost?x",
        "localhost#x",
        "localhost\\.evil",
        "localhost evil",
        " localhost",
        "localhost,evil",
        "localhost\x00",
        "localhost\n",
        "localhost\t",
        "loc%61lhost",
        "notlocalhost",
        "evil.localhost.",
        "",
        ".",
        ":",
        ":80",
        "*",
        "١٢٧.0.0.1",
        "１２７.0.0.1",
        "localhoſt",
        "http://localhost",
        "-",
        "xn--localhost-abc",
    ],
)
def test_every_other_host_is_refused(host: str) -> None:
    """The whole header is read: text after an address or a name of this server makes it another name."""
    refusal = LOOPBACK.refusal(host, "")
    assert refusal is not None
    assert refusal[0] == 400


def test_the_configured_name_is_allowed() -> None:
    """The name of the setting is allowed in any case; a name that only begins or ends so is not."""
    policy = AccessPolicy("metrics.internal", "")
    assert policy.refusal("Metrics.Internal:8000", "") is None
    assert policy.refusal("metrics.internal.evil", "") is not None
    assert policy.refusal("x.metrics.internal", "") is not None
