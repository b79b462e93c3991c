"""Error reporting: errors with a fingerprint in the log and in Sentry, their context, and uncaught exceptions."""

__all__ = ["context", "excepthook", "tracker"]
