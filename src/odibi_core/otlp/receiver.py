"""`OtlpReceiver`: one signal of a collector, by HTTP as protobuf or JSON, or by gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Final, Generic, TypeVar

import msgspec

from odibi_core.delivery import HttpClient, Outcome, outcome_of, refused
from odibi_core.otlp import json_requests
from odibi_core.otlp.model import Resource
from odibi_core.otlp.protobuf import messages
from odibi_core.plugins import missing_extra

T = TypeVar("T")
SIGNALS: Final = ("traces", "logs", "metrics")
_REFUSED: Final = {"traces": "rejectedSpans", "logs": "rejectedLogRecords", "metrics": "rejectedDataPoints"}
_JSON: Final[dict[str, Callable[[Resource, Any], bytes]]] = {
    "traces": json_requests.traces_request,
    "logs": json_requests.logs_request,
    "metrics": json_requests.metrics_request,
}


class OtlpReceiver(Generic[T]):
    """A receiver of spans, log records or metrics, by HTTP.

    Args:
        signal: `traces`, `logs` or `metrics`.
        client: The client of its address, such as `http://collector:4318/v1/traces`.
        resource: The program that sends.
        as_json: Send JSON, which needs no library; otherwise protobuf.

    Raises:
        MissingExtraError: Protobuf is asked for and `opentelemetry-proto` is not installed.
    """

    def __init__(self, signal: str, client: HttpClient, resource: Resource, *, as_json: bool) -> None:
        self._signal, self._client, self._resource = signal, client, resource
        self._as_json = as_json
        if not as_json:
            require_protobuf("http/protobuf")

    def send(self, batch: Sequence[T], within_s: float) -> Outcome:
        """Send a batch. A partial success is counted, and never sent again."""
        if self._as_json:
            body, content_type = _JSON[self._signal](self._resource, batch), "application/json"
        else:
            body, content_type = (
                messages().message(self._signal, self._resource, batch).SerializeToString(),
                "application/x-protobuf",
            )
        headers = {"Content-Type": content_type, "Accept": content_type}
        outcome, answer = outcome_of(self._client, len(batch), body, headers=headers, within_s=within_s)
        if answer is None or not 200 <= answer.status < 300:
            return outcome
        return self._partial(answer.body, answer.content_type, len(batch))

    def _partial(self, body: bytes, content_type: str, count: int) -> Outcome:
        """Return the outcome of an answer with status 200, whose body may name refused items."""
        given = content_type.partition(";")[0].strip().lower()
        if body and given not in ("application/json", "application/x-protobuf", ""):
            detail = f"{self._client.shown} answered 200 with {given}, not OTLP; check {self._client.setting}"
            return refused(count, "not_otlp", detail)
        try:
            number, text = self._refused(body, is_json=given == "application/json")
        except Exception:  # not in the form that its type names: it took the request all the same
            return Outcome()
        if not number:
            return Outcome()
        return refused(number, "rejected", f"{self._client.shown} refused {number} items: {text or 'no reason'}")

    def _refused(self, body: bytes, *, is_json: bool) -> tuple[int, str]:
        if not body:
            return 0, ""
        if is_json:
            partial = msgspec.json.decode(body).get("partialSuccess") or {}
            return int(partial.get(_REFUSED[self._signal], 0)), str(partial.get("errorMessage", ""))
        if self._as_json:
            return 0, ""
        return messages().refused(self._signal, messages().responses[self._signal].FromString(body))


def require_protobuf(protocol: str) -> None:
    """Check that the official messages are installed, without loading them: they are slow to load.

    Raises:
        MissingExtraError: They are not.
    """
    if not has_protobuf():
        raise missing_extra("opentelemetry", f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol}")


def has_protobuf() -> bool:
    """Return whether `opentelemetry-proto` is installed."""
    try:
        return find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:  # of the package above it
        return False
