"""`GrpcReceiver`: one signal of a collector, by gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from odibi_core import _fork
from odibi_core.delivery import SENT, Outcome, refused, try_again
from odibi_core.delivery.http import tls_options
from odibi_core.delivery.urls import shown_url
from odibi_core.otlp.model import Resource
from odibi_core.otlp.protobuf import messages
from odibi_core.otlp.receiver import require_protobuf
from odibi_core.otlp.targets import Target
from odibi_core.plugins import missing_extra

T = TypeVar("T")
_RETRIED: Final = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
"""Status codes after which OTLP allows a retry; `RESOURCE_EXHAUSTED` only with a pause that the server names."""
_CERTIFICATES: Final = {
    "ca_certs": "root_certificates", "key_file": "private_key", "cert_file": "certificate_chain",
}  # fmt: skip
"""Arguments of gRPC for files that urllib3 has other names for."""
_METHODS: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}


class GrpcReceiver(Generic[T]):
    """A receiver of spans, log records or metrics, by gRPC.

    Raises:
        MissingExtraError: `grpcio` or `opentelemetry-proto` is not installed.
        ConfigurationError: A file of certificates cannot be read.
    """

    def __init__(self, target: Target, resource: Resource) -> None:
        try:
            import grpc
        except ImportError as error:
            raise missing_extra("grpc", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc") from error
        self._grpc: Any = grpc
        self._signal, self._resource, self._setting = target.signal, resource, target.setting
        self._url, self.shown = urlsplit(target.url), shown_url(target.url)
        files = tls_options(target.tls, target.setting)
        self._certificates = {
            name: Path(files[key]).read_bytes() for key, name in _CERTIFICATES.items() if key in files
        }
        require_protobuf("grpc")
        self._metadata = [(name.lower(), value) for name, value in target.headers.items()]
        self._compression = grpc.Compression.Gzip if target.compress else grpc.Compression.NoCompression
        self._begin()
        _fork.in_child(self._begin)

    def _begin(self) -> None:
        """Begin without a channel; fork: the parent's channel and its threads do not work in a child."""
        self._call: Any = None

    def send(self, batch: Sequence[T], within_s: float) -> Outcome:
        """Send a batch. A partial success is counted, and never sent again."""
        if self._call is None:
            self._call = self._channel().unary_unary(
                _METHODS[self._signal],
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=messages().responses[self._signal].FromString,
            )
        try:
            response = self._call(
                messages().message(self._signal, self._resource, batch), timeout=within_s, metadata=self._metadata,
                compression=self._compression,
            )  # fmt: skip
        except self._grpc.RpcError as error:
            return self._failure(error, len(batch))
        number, text = messages().refused(self._signal, response)
        if not number:
            return SENT
        return refused(number, "rejected", f"{self.shown} refused {number} items: {text or 'no reason'}")

    def _channel(self) -> Any:
        target = self._url.netloc.rpartition("@")[2]
        if self._url.scheme == "https":
            return self._grpc.secure_channel(target, self._grpc.ssl_channel_credentials(**self._certificates))
        return self._grpc.insecure_channel(target)

    def _failure(self, error: Any, count: int) -> Outcome:
        code, pause_s = error.code().name, _pause(error)
        detail = f"{self.shown} answered {code}: {str(error.details())[:150]}; check {self._setting}"
        reason = f"grpc_{code.lower()}"
        if code in _RETRIED or (code == "RESOURCE_EXHAUSTED" and pause_s is not None):
            return try_again(reason, detail, pause_s)
        return refused(count, reason, detail)


def _pause(error: Any) -> float | None:
    """Return the seconds of a `RetryInfo` in the trailing metadata."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            from google.protobuf.duration_pb2 import Duration
            from google.rpc import error_details_pb2, status_pb2

            for detail in status_pb2.Status.FromString(value).details:
                found = error_details_pb2.RetryInfo()
                if detail.Unpack(found):
                    delay: Duration = found.retry_delay
                    return float(delay.seconds + delay.nanos / 1e9)
    return None
