"""`odibi mcp`: a server of the Model Context Protocol over the history."""

from __future__ import annotations

from odibi_core import __version__
from odibi_core.cli import options, record


def mcp(store: options.Store = None) -> None:
    """Let a language model ask the history.

    It speaks the Model Context Protocol on stdin and stdout: the client starts
    this command (docs/mcp.md). The six tools only read: runs, explain_run,
    compare_runs, questions, sql and schema. Each answer is marked as data,
    bounded, and redacted as the record is.
    """
    from odibi_core.mcp_server.server import serve

    record.open_store(store)  # here too: a wrong store ends the command before a client waits for it
    serve(lambda: record.open_store(store), __version__)
