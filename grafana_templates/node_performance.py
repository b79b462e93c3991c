"""The panels of single nodes: which fail, which are slow, what they use."""

from typing import Final

from panels import JOB, NODE, Panel, bars, lines

PANELS: Final = (
    Panel(
        title="Node success/failure rates",
        description="Executions per second that succeeded, and that failed.",
        queries=(
            (f"sum by (node) (rate(odibi_success_count_total{{{NODE}}}[$__rate_interval]))", "{{node}} succeeded"),
            (f"sum by (node) (rate(odibi_failure_count_total{{{NODE}}}[$__rate_interval]))", "{{node}} failed"),
        ),
        unit="ops",
        make=lines,
        width=16,
    ),
    Panel(
        title="Node success ratio",
        description="Of all executions in the time range, those that succeeded. A node that never did is not here.",
        queries=(
            (
                f"sum by (node) (max_over_time(odibi_success_count_total{{{NODE}}}[$__range])) "
                f"/ sum by (node) (max_over_time(odibi_node_duration_seconds_count{{{NODE}}}[$__range]))",
                "{{node}}",
            ),
        ),
        unit="percentunit",
        make=bars,
        width=8,
        colours=(("red", None), ("orange", 0.9), ("green", 0.99)),
        instant=True,
        most=1,
    ),
    Panel(
        title="Node duration",
        description="How long the last execution of each node took; of several instances, the slowest.",
        queries=((f"max by (node) (odibi_node_duration_ms{{{NODE}}})", "{{node}}"),),
        unit="ms",
        make=lines,
        width=12,
    ),
    Panel(
        title="Node duration p50 and p95",
        description="How long half of the executions of a node took at most, and 95 of 100; over all instances.",
        queries=tuple(
            (
                f"histogram_quantile({part}, sum by (le, node) "
                f"(rate(odibi_node_duration_seconds_bucket{{{NODE}}}[$__rate_interval])))",
                f"{{{{node}}}} {name}",
            )
            for part, name in ((0.5, "p50"), (0.95, "p95"))
        ),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Memory usage trend",
        description="Resident memory of each process; and of nodes, where `record_memory_usage` told it.",
        queries=(
            (f"sum by (instance) (odibi_process_resident_memory_bytes{{{JOB}}})", "{{instance}} process"),
            (f"max by (node) (odibi_memory_usage_mb{{{NODE}}}) * 1024 * 1024", "{{node}}"),
        ),
        unit="bytes",
        make=lines,
        width=12,
    ),
    Panel(
        title="Throughput",
        description="Rows per second of each node's last execution; of several instances, the fastest.",
        queries=((f"max by (node) (odibi_throughput_rows_per_sec{{{NODE}}})", "{{node}}"),),
        unit="rowsps",
        make=lines,
        width=12,
    ),
    Panel(
        title="Top 10 slowest nodes",
        description="The mean duration of a node's executions, counted by every process scraped in the time range.",
        queries=(
            (
                "topk(10, "
                f"sum by (node) (max_over_time(odibi_node_duration_seconds_sum{{{NODE}}}[$__range])) "
                f"/ sum by (node) (max_over_time(odibi_node_duration_seconds_count{{{NODE}}}[$__range])))",
                "{{node}}",
            ),
        ),
        unit="s",
        make=bars,
        width=24,
        instant=True,
    ),
)
