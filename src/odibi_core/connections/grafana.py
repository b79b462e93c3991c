"""The connection to Grafana: its dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.delivery import HttpClient
from odibi_core.delivery.http import Answer, HttpError
from odibi_core.settings import ObservabilityConfig

_IMPORT: Final = "/api/dashboards/db"
_BY_UID: Final = "/api/dashboards/uid/"


class GrafanaConnection(SettingsConnection):
    """The dashboards of metrics and of the history in Grafana."""

    title = "the dashboards of metrics and of the history to Grafana"
    questions = (
        Question("url", "Grafana, such as http://grafana:3000", "grafana_url", is_required=True),
        Question(
            "token", "Token of a service account that may write dashboards", "grafana_token", is_required=True,
            is_secret=True,
        ),
    )  # fmt: skip

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether there is an address."""
        return bool(config.grafana_url)

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Import each dashboard, which replaces the one with its id, and read it back."""
        return self._each(config, within_s, imports=True)

    def check(self, within_s: float) -> list[Proof]:
        """Read each dashboard, and import none."""
        config = ObservabilityConfig()
        return [self._each(config, within_s, imports=False)] if self.is_configured(config) else []

    @staticmethod
    def _each(config: ObservabilityConfig, within_s: float, *, imports: bool) -> Proof:
        base = config.grafana_url.rstrip("/")
        headers = {"Authorization": f"Bearer {config.grafana_token}", "Content-Type": "application/json"}
        client = HttpClient(base, setting="ODIBI_GRAFANA__URL", headers=headers)
        titles = []
        try:
            for dashboard in dashboards():
                if imports:
                    body = {"dashboard": dashboard, "overwrite": True, "message": "odibi connect"}
                    answer = client.post(msgspec.json.encode(body), url=f"{base}{_IMPORT}", within_s=within_s)
                    if problem := _problem(answer, client):
                        return Proof("failed", problem)
                answer = client.request("GET", url=f"{base}{_BY_UID}{dashboard['uid']}", within_s=within_s)
                if problem := _problem(answer, client) or _other(answer, dashboard):
                    return Proof("failed", problem)
                titles.append(str(dashboard["title"]))
        except HttpError as error:
            return Proof("failed", str(error))
        finally:
            client.close()
        return Proof("arrived", f"{client.shown} has the dashboards {', '.join(titles)}")


def dashboards() -> list[dict[str, Any]]:
    """Return the dashboards, by name; those of the installed package, or of the project's folder."""
    package = Path(__file__).parents[1]
    for folder in (package / "_dashboards", package.parents[1] / "grafana_templates"):
        if found := sorted(folder.glob("odibi_*.json")):
            return [msgspec.json.decode(path.read_bytes()) for path in found]
    return []


def _problem(answer: Answer, client: HttpClient) -> str:
    if answer.status == 404:
        return f"{client.shown} has no such dashboard, or is no Grafana; odibi connect grafana imports them"
    if answer.status in (401, 403):
        return f"{client.shown} answered {answer.status}; check that ODIBI_GRAFANA__TOKEN may write dashboards"
    return "" if answer.status == 200 else f"{client.shown} answered {answer.status}; check {client.setting}"


def _other(answer: Answer, wanted: dict[str, Any]) -> str:
    """Return a sentence if the answer is not that dashboard; a long one is read in part."""
    if b'"dashboard"' not in answer.body or "json" not in answer.content_type:
        return f"the answer is no dashboard {wanted['uid']}: is ODIBI_GRAFANA__URL the address of Grafana?"
    return ""
