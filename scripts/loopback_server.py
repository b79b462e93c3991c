"""A store served on the loopback from this process, for pictures of the pages and for tests that open them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from odibi_core.endpoint.protocol import server_for
from odibi_core.settings.serve_section import Serve
from odibi_core.store.runs import RunStore
from odibi_core.web.access import AccessRules
from odibi_core.web.app import application
from odibi_core.web.serving import listen
from odibi_core.web.source import Source


@contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve a store on a free port, in a thread; yield the address."""
    listener = listen("127.0.0.1", 0)
    server = server_for(application(Source(RunStore(root)), AccessRules(Serve()), "0"), answer_s=60.0)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
