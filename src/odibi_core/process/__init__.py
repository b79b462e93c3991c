"""The state of this process: its event bus, metrics, settings, and what its worker processes take over."""

__all__ = ["state", "worker_record"]
