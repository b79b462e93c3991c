"""The server of `odibi serve`: the history of a store as JSON, server-sent events and pages, read by browsers.

`access` decides about a request, `routes` is the table of the API, `app` the application, `live` follows running runs.
"""

__all__ = ["access", "app", "routes", "serving", "source"]
