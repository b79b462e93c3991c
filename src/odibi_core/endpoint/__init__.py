"""The metrics endpoint: an HTTP server for Prometheus, shared by several processes through a folder."""

__all__ = [
    "access_policy",
    "app",
    "merged",
    "negotiation",
    "process_group",
    "protocol",
    "server",
    "shared_folder",
    "shared_metrics",
]
