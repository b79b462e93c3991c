"""`odibi store ship`: ship what is left in the local store."""

from __future__ import annotations

from msgspec.structs import asdict

from odibi_core.cli import options, output
from odibi_core.errors import ConfigurationError
from odibi_core.history.remote import read_address
from odibi_core.history.remote import ship as ship_all
from odibi_core.settings import read_settings
from odibi_core.views.wording import size


def ship(store: options.Store = None, format: options.Format = options.TextOrJson.text) -> None:
    """Ship what is left in the local store to the shared one.

    Runs do this by themselves. After an outage of the network or a crash,
    the next run ships the rest, and so does this command. The shared store
    is that of ODIBI_STORE__URL.
    """
    settings = read_settings(store={"dir": store or None})
    if not settings.store.url:
        raise ConfigurationError("store.url must be set to the shared store; set ODIBI_STORE__URL=s3://bucket/prefix")
    address = read_address(settings.store.url)
    with output.waiting(f"shipping to {address}"):
        shipped = ship_all(settings.root, address)
    if format is options.TextOrJson.json:
        output.write_json({"store": str(settings.root), "url": str(address), **asdict(shipped)})
    else:
        output.notice(f"shipped {output.count(shipped.objects, 'objects')} ({size(shipped.bytes)}) to {address}")
