"""A BigQuery on this machine: the few REST calls that Google's own client makes for a job, and recorded answers.

It parses no SQL. `answer` takes the `configuration` of a job (REST reference) and returns the resource of the finished
job. Extra keys of the resource: `rows` and `schema` of the result; `children`, the resources of the statements of a
script; `polls`, the number of answers "still running"; `refused`, an HTTP status and a reason instead of a job.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

Resource = dict[str, Any]
Answer = Callable[[Resource], Resource]


class FakeBigQuery:
    """A fake BigQuery: `with FakeBigQuery(answer) as fake: client = fake.client()`; `.requests` has its requests."""

    def __init__(self, answer: Answer, project: str = "demo-project") -> None:
        self.project = project
        self.requests: list[tuple[str, str, Resource]] = []
        self.jobs: dict[str, Resource] = {}
        self._answer = answer
        self._ids = count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeBigQuery:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def client(self, **options: Any) -> Any:
        """Return a client of Google for this fake: no account, no network."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        return bigquery.Client(
            project=self.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": self.endpoint},
            **options,
        )

    def insert(self, asked: Resource) -> tuple[int, Resource]:
        """Answer jobs.insert."""
        configuration = asked["configuration"]
        recorded = self._answer(configuration)
        if "refused" in recorded:
            return _error(*recorded["refused"])
        reference = {"projectId": self.project, "location": "US", **recorded.get("jobReference", {})}
        given = asked.get("jobReference", {})
        reference |= {"jobId": given.get("jobId") or f"job_{next(self._ids)}"}
        kind = next(name for name in ("query", "load", "extract", "copy") if name in configuration)
        recorded = {
            "kind": "bigquery#job",
            **recorded,
            "configuration": {"jobType": kind.upper(), **configuration},
            "jobReference": reference,
        }
        if configuration.get("dryRun"):
            return 200, _as_told(recorded)
        self.jobs[reference["jobId"]] = recorded
        for number, child in enumerate(recorded.get("children", ())):
            name = f"script_job_{reference['jobId']}_{number}"
            child = {**child, "jobReference": {**reference, "jobId": name}}
            child["statistics"] = {**child["statistics"], "parentJobId": reference["jobId"]}
            self.jobs[name] = child
        return 200, _as_told(recorded, running=recorded.get("polls", 1) > 0)

    def get(self, job_id: str) -> tuple[int, Resource]:
        """Answer jobs.get."""
        job = self.jobs.get(job_id)
        if job is None:
            return _error(404, "notFound")
        job["polls"] = job.get("polls", 1) - 1
        return 200, _as_told(job, running=job["polls"] > 0)

    def children_of(self, parent: str) -> tuple[int, Resource]:
        """Answer jobs.list of one script, the last statement first."""
        found = [job for job in self.jobs.values() if job["statistics"].get("parentJobId") == parent]
        return 200, {"kind": "bigquery#jobList", "jobs": [_as_told(job) for job in reversed(found)]}

    def results(self, job_id: str) -> tuple[int, Resource]:
        """Answer jobs.getQueryResults."""
        job = self.jobs[job_id]
        failure = job.get("status", {}).get("errorResult")
        if failure:
            return _error(400, failure["reason"], failure["message"])
        return 200, {"kind": "bigquery#getQueryResultsResponse", **_result(job)}

    def query(self, asked: Resource) -> tuple[int, Resource]:
        """Answer jobs.query: the job and its first rows."""
        top = ("dryRun", "labels")
        configuration: Resource = {name: asked[name] for name in top if name in asked}
        configuration["query"] = {name: value for name, value in asked.items() if name not in top}
        status, job = self.insert({"configuration": configuration})
        if status != 200:
            return status, job
        job = self.jobs.get(job["jobReference"]["jobId"], job)
        failure = job.get("status", {}).get("errorResult")
        if failure:
            return _error(400, failure["reason"], failure["message"])
        job["polls"] = 0
        return 200, {"kind": "bigquery#queryResponse", **_result(job)}


def _result(job: Resource) -> Resource:
    about = job.get("statistics", {}).get("query", {})
    result = {"jobReference": job["jobReference"], "jobComplete": True}
    result |= {name: about[name] for name in ("totalBytesProcessed", "cacheHit") if name in about}
    if "schema" in job:
        rows = [{"f": [{"v": None if cell is None else str(cell)} for cell in row]} for row in job["rows"]]
        result |= {"schema": job["schema"], "totalRows": str(len(rows)), "rows": rows}
    return result


def _as_told(job: Resource, running: bool = False) -> Resource:
    """Return a job as a REST resource; a running job has no statistics yet."""
    told = {name: job[name] for name in job if name not in ("rows", "schema", "children", "polls")}
    if running:
        started = {name: job["statistics"][name] for name in ("creationTime", "startTime")}
        return {**told, "status": {"state": "RUNNING"}, "statistics": started}
    return {**told, "status": {"state": "DONE", **job.get("status", {})}}


def _error(status: int, reason: str, message: str = "") -> tuple[int, Resource]:
    message = message or f"the job was refused: {reason}"
    errors = [{"reason": reason, "domain": "global", "message": message}]
    return status, {"error": {"code": status, "message": message, "errors": errors}}


def _handler(fake: FakeBigQuery) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts, options = self._address()
            fake.requests.append(("GET", self.path, {}))
            if parts[-1] == "jobs":
                self._reply(*fake.children_of(options["parentJobId"][0]))
            elif parts[-2] == "queries":
                self._reply(*fake.results(parts[-1]))
            else:
                self._reply(*fake.get(parts[-1]))

        def do_POST(self) -> None:
            parts, _ = self._address()
            asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            fake.requests.append(("POST", self.path, asked))
            if parts[-1] == "cancel":
                self._reply(200, {"job": fake.get(parts[-2])[1]})
            else:
                self._reply(*(fake.insert(asked) if parts[-1] == "jobs" else fake.query(asked)))

        def _address(self) -> tuple[list[str], dict[str, list[str]]]:
            address = urlsplit(self.path)
            return address.path.strip("/").split("/"), parse_qs(address.query)

        def _reply(self, status: int, body: Resource) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing: the output of the example stays readable."""

    return Handler
