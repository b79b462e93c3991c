"""A collector on loopback that decodes what came by the official messages, and answers as a test wants."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from tests.delivery.loopback import Loopback, Reply, Request

REQUESTS: dict[str, Any] = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
    "/v1/logs": logs_service_pb2.ExportLogsServiceRequest,
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
}
RESPONSES: dict[str, Any] = {
    "/v1/traces": trace_service_pb2.ExportTraceServiceResponse,
    "/v1/logs": logs_service_pb2.ExportLogsServiceResponse,
    "/v1/metrics": metrics_service_pb2.ExportMetricsServiceResponse,
}


class Collector(Loopback):
    """`.spans`, `.logs` and `.metrics` are what it took; a request that is no OTLP gets 400."""

    def __init__(self, *script: Reply, refused: int = 0) -> None:
        super().__init__(*script)
        self.refused = refused
        self.spans: list[Any] = []
        self.logs: list[Any] = []
        self.metrics: list[Any] = []
        self.resources: list[dict[str, str]] = []

    def reply(self, request: Request) -> Reply:
        """Answer by the script, else take what came."""
        if self.script:
            return self.script.pop(0)
        if request.headers["content-type"] != "application/x-protobuf" or request.path not in REQUESTS:
            return Reply(400)
        self._take(REQUESTS[request.path].FromString(request.body))
        response = RESPONSES[request.path]()
        if self.refused:
            response.partial_success.error_message = "too old"
            name = {"/v1/traces": "rejected_spans", "/v1/logs": "rejected_log_records"}.get(
                request.path, "rejected_data_points"
            )
            setattr(response.partial_success, name, self.refused)
        return Reply(200, {"Content-Type": "application/x-protobuf"}, response.SerializeToString())

    def _take(self, request: Any) -> None:
        for resource in getattr(request, "resource_spans", ()):
            self._resource(resource)
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        for resource in getattr(request, "resource_logs", ()):
            self.logs += [record for scope in resource.scope_logs for record in scope.log_records]
        for resource in getattr(request, "resource_metrics", ()):
            self.metrics += [metric for scope in resource.scope_metrics for metric in scope.metrics]

    def _resource(self, resource: Any) -> None:
        self.resources.append({each.key: each.value.string_value for each in resource.resource.attributes})
