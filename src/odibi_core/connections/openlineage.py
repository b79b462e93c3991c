"""The connection to a receiver of OpenLineage, such as Marquez or DataHub."""

from __future__ import annotations

from typing import Any

import msgspec

from odibi_core.connections.base import Proof, Question
from odibi_core.connections.by_settings import SettingsConnection
from odibi_core.delivery import HttpClient, outcome_of
from odibi_core.events import Event, kinds
from odibi_core.events.clock import new_id, utc_now
from odibi_core.openlineage import openlineage_events
from odibi_core.settings import ObservabilityConfig


class OpenlineageConnection(SettingsConnection):
    """Runs as events of OpenLineage."""

    title = "runs to Marquez, DataHub or another receiver of OpenLineage"
    questions = (
        Question("url", "Address of the receiver, such as http://marquez:5000", "openlineage_url", is_required=True),
        Question("api_key", "API key; empty for none", "openlineage_api_key", is_secret=True),
        Question("namespace", "Namespace of the jobs", "openlineage_namespace", "default"),
    )

    def is_configured(self, config: ObservabilityConfig) -> bool:
        """Return whether there is a receiver."""
        return bool(config.openlineage_url)

    def proof(self, config: ObservabilityConfig, within_s: float) -> Proof:
        """Send the start and the end of a run without steps, of the job `odibi_connect`."""
        own = config.section("openlineage")
        headers = {"Content-Type": "application/json"}
        if own.api_key:
            headers["Authorization"] = f"Bearer {own.api_key}"
        client = HttpClient(
            f"{own.url.rstrip('/')}/{own.endpoint.lstrip('/')}", setting="OPENLINEAGE_URL", headers=headers
        )
        made = list(openlineage_events(_events(), own.namespace, producer=own.producer))
        for event in made:
            outcome, _ = outcome_of(client, 1, msgspec.json.encode(event), within_s=within_s)
            if outcome.reason:
                return Proof("failed", outcome.detail)
        return Proof("arrived", f"{client.shown} took {len(made)} events of the job {own.namespace}.odibi_connect")


def _events() -> list[Event]:
    about: dict[str, Any] = {
        "timestamp": utc_now(),
        "level": "info",
        "run_id": f"odibi-connect-{new_id(8)}",
        "writer_id": new_id(),
    }
    fields = {"pipeline_name": "odibi_connect"}
    start = Event(**about, event_type=kinds.PIPELINE_START, seq=0, fields=fields)
    end = Event(**about, event_type=kinds.PIPELINE_COMPLETE, status="success", duration_ms=0.0, seq=1, fields=fields)
    return [start, end]
