"""A server of the Model Context Protocol: a language model asks the history of a store by six tools, which only read.

`tool_calls` has the tools as plain functions of a store, `bounded` limits and marks what they return, `server` speaks
the protocol.
"""

__all__ = ["bounded", "explaining", "questions", "server", "tool_calls"]
