"""An Alertmanager that calls a webhook."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import kept_port
from tests.services import servers

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: hook, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""


@contextmanager
def alertmanager(folder: Path, hook: str) -> Iterator[str]:
    """Run an Alertmanager in a folder that calls the URL `hook`, until the block ends; yield its own URL."""
    assert ALERTMANAGER, "alertmanager is not installed (Debian: prometheus-alertmanager)"
    (folder / "alertmanager.yml").write_text(CONFIG.format(url=hook), encoding="utf-8")
    url = f"http://127.0.0.1:{kept_port()}"
    command = [
        ALERTMANAGER, "--config.file=alertmanager.yml", "--storage.path=alerts", "--cluster.listen-address=",
        f"--web.listen-address={url.removeprefix('http://')}", "--log.level=warn",
    ]  # fmt: skip
    with servers.serving(command, folder / "alertmanager.txt", lambda: servers.is_ready(url), cwd=folder):
        yield url
