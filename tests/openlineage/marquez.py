"""A receiver on loopback that behaves as Marquez does: 201 or 400, and jobs, datasets and runs made of what came."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from tests.delivery.loopback import Loopback, Reply, Request
from tests.openlineage.checking import wrong_with


class Marquez(Loopback):
    """`.events` are the valid events in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []

    def reply(self, request: Request) -> Reply:
        """Take an event, or answer a question."""
        if self.script:
            return self.script.pop(0)
        if request.method == "GET":
            found = self._found(request.path)
            return Reply(404) if found is None else Reply(200, {}, json.dumps(found).encode())
        try:
            event = request.json()
            wrong = wrong_with(event) if request.path == "/api/v1/lineage" else ["the path"]
        except (ValueError, KeyError, TypeError):
            wrong = ["no event"]
        if wrong:
            return Reply(400, {}, json.dumps(wrong).encode())
        self.events.append(event)
        return Reply(201, {}, b"")

    def _found(self, path: str) -> Any:
        for event in self.events:
            job, run = event["job"], event["run"]
            if path == f"/api/v1/namespaces/{job['namespace']}/jobs/{quote(job['name'], safe='')}":
                return self._job(job)
            if path == f"/api/v1/jobs/runs/{run['runId']}":
                return self._run(run["runId"])
            for each in [*event["inputs"], *event["outputs"]]:
                place = f"{quote(each['namespace'], safe='')}/datasets/{quote(each['name'], safe='')}"
                if path == f"/api/v1/namespaces/{place}":
                    return self._dataset(each)
        return None

    def _job(self, job: dict[str, Any]) -> dict[str, Any]:
        own = [event for event in self.events if event["job"]["name"] == job["name"]]
        names = {
            side: sorted({each["name"] for event in own for each in event[side]}) for side in ("inputs", "outputs")
        }
        return {"name": job["name"], "latestRun": own[-1]["run"]["runId"], **names}

    def _run(self, run_id: str) -> dict[str, Any]:
        states = {"START": "RUNNING", "COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
        own = [event for event in self.events if event["run"]["runId"] == run_id]
        return {"id": run_id, "state": states[own[-1]["eventType"]]}

    def _dataset(self, dataset: dict[str, Any]) -> dict[str, Any]:
        sides = [each for event in self.events for side in ("inputs", "outputs") for each in event[side]]
        own = [each for each in sides if each["name"] == dataset["name"]]
        fields = [each["facets"]["schema"]["fields"] for each in own if "schema" in each["facets"]]
        return {"name": dataset["name"], "fields": [field["name"] for field in fields[-1]] if fields else []}
