"""Spans of OpenTelemetry: one a request, a child of the caller's where it sends a W3C `traceparent`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headstart.core.errors import require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headstart.serving.asgi import Scope


class Tracer:
    """Sends spans by OTLP over HTTP to where the usual OTEL_EXPORTER_OTLP_… variables say.

    Raises
    ------
    MissingExtraError
        The OpenTelemetry SDK is not installed.
    """

    def __init__(self) -> None:
        wanted = {"extra": "telemetry", "purpose": "tracing"}
        exporter = require("opentelemetry.exporter.otlp.proto.http.trace_exporter", **wanted)
        sdk = require("opentelemetry.sdk.trace", **wanted)
        export = require("opentelemetry.sdk.trace.export", **wanted)
        resources = require("opentelemetry.sdk.resources", **wanted)
        propagation = require("opentelemetry.trace.propagation.tracecontext", **wanted)
        kind = require("opentelemetry.trace", **wanted).SpanKind.SERVER
        # OTEL_SERVICE_NAME, where it is set, is stronger than this name
        resource = resources.Resource({"service.name": "headstart"}).merge(resources.OTELResourceDetector().detect())
        self._provider = sdk.TracerProvider(resource=resource)
        self._provider.add_span_processor(export.BatchSpanProcessor(exporter.OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("headstart.serving")
        self._context_of = propagation.TraceContextTextMapPropagator().extract
        self._kind = kind

    @contextmanager
    def span(self, scope: Scope) -> Iterator[Any]:
        """The span of one request."""
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        with self._tracer.start_as_current_span(
            scope["method"], context=self._context_of(carrier), kind=self._kind, attributes=attributes
        ) as span:
            yield span

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
