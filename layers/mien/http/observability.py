"""What is known of a call afterwards: one log line and CloudWatch metrics, neither with an image, embedding or key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Mien"
SERVICE = "mien"

logger = Logger(service=SERVICE)


@dataclass(slots=True)
class CallRecord:
    """One call. `endpoint` is a route's name, or empty where no route answered; `code` an error's, or empty; `stages`
    milliseconds by name.
    """

    endpoint: str = ""
    status: int = 0
    code: str = ""
    faces: int | None = None
    milliseconds: float = 0.0
    cold: bool = False
    key_id: str = ""
    request_id: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)


def report(call: CallRecord) -> None:
    """Write the line, and the metrics in CloudWatch's embedded format."""
    took = {name: round(milliseconds, 2) for name, milliseconds in call.stages.items()}
    logger.info(
        "call",
        endpoint=call.endpoint,
        status=call.status,
        code=call.code,
        faces=call.faces,
        latency_ms=round(call.milliseconds, 2),
        cold=call.cold,
        stages_ms=took,
        key_id=call.key_id,
        request_id=call.request_id,
    )
    metrics = _metrics("endpoint", call.endpoint or "none")
    metrics.add_metric("Latency", MetricUnit.Milliseconds, call.milliseconds)
    for name, milliseconds in call.stages.items():
        metrics.add_metric(f"Latency.{name}", MetricUnit.Milliseconds, milliseconds)
    if call.faces is not None:
        metrics.add_metric("Faces", MetricUnit.Count, call.faces)
    if call.cold:
        metrics.add_metric("ColdStarts", MetricUnit.Count, 1)
    metrics.flush_metrics()
    if call.code:
        rejects = _metrics("code", call.code)
        rejects.add_metric("Rejects", MetricUnit.Count, 1)
        rejects.flush_metrics()


def _metrics(dimension: str, value: str) -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_dimension(dimension, value)
    return metrics
