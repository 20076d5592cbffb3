"""The addresses that monitoring asks: alive, ready, metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from watcher.exposition import CONTENT_TYPE
from watcher.metrics import Metrics, Now
from watcher.readiness import Check
from watcher.server import Reply, Request, Route


def monitoring_routes(
    metrics: Metrics, check: Callable[[], Sequence[Check]], look: Callable[[], Now]
) -> tuple[Route, ...]:
    """/healthz, /readyz and /metrics; each asks anew how the daemon stands."""

    async def healthz(_asked: Request) -> Reply:
        return Reply("alive\n")  # the loop answers, and that is the whole question

    async def readyz(_asked: Request) -> Reply:
        checks = check()
        is_ready = all(one.is_good for one in checks)
        document = {
            "ready": is_ready,
            "wrong": [one.name for one in checks if not one.is_good],
            "checks": {one.name: {"good": one.is_good, "detail": one.detail} for one in checks},
        }
        return Reply(json.dumps(document, indent=1) + "\n", 200 if is_ready else 503, "application/json")

    async def scrape(_asked: Request) -> Reply:
        return Reply(metrics.render(look()), content_type=CONTENT_TYPE)

    return (
        Route("GET", "/healthz", healthz),
        Route("GET", "/readyz", readyz),
        Route("GET", "/metrics", scrape),
    )
