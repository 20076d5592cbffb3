"""The HTTP endpoint: health and metrics for operators on loopback, and the few addresses that others call."""

from watcher.server.admission import Admission
from watcher.server.endpoint import Endpoint
from watcher.server.routes import PUBLIC_PREFIX, Reply, Request, Route

__all__ = ["PUBLIC_PREFIX", "Admission", "Endpoint", "Reply", "Request", "Route"]
