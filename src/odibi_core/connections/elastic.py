"""The connection to Elasticsearch or OpenSearch."""

from __future__ import annotations

from odibi_core.connections.base import Question
from odibi_core.connections.by_log_target import LogConnection


class ElasticConnection(LogConnection):
    """Lines of the log to Elasticsearch."""

    title = "lines of the log to Elasticsearch or OpenSearch"
    target = "elastic"
    questions = (
        Question("url", "The server, such as https://elastic:9200", "elastic_url", is_required=True),
        Question("api_key", "API key; empty for none", "elastic_api_key", is_secret=True),
        Question("index", "Index or data stream", "elastic_index", "logs-odibi-default"),
    )
