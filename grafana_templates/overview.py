"""The panels of the overview: whether pipelines run, how often they fail, what flows through them."""

from typing import Final

from panels import JOB, NODE, Panel, dial, lines, number, stacked_bars

PANELS: Final = (
    Panel(
        title="Cache hit rate",
        description="Hits as a part of all cache lookups since the processes began; the mean over instances.",
        queries=((f"avg(odibi_cache_hit_rate{{{JOB}}})", "hit rate"),),
        unit="percentunit",
        make=dial,
        width=6,
        height=6,
        colours=(("red", None), ("orange", 0.3), ("green", 0.7)),
        most=1,
    ),
    Panel(
        title="Error count",
        description="Errors of nodes, counted by every process that was scraped in the time range.",
        queries=((f"sum(max_over_time(odibi_error_count_total{{{NODE}}}[$__range]))", "errors"),),
        unit="short",
        make=number,
        width=6,
        height=6,
        colours=(("green", None), ("red", 1)),
        instant=True,
        no_value="0",
    ),
    Panel(
        title="Time since last success",
        description="How long ago each pipeline last succeeded, of those that were scraped in the time range.",
        queries=(
            (
                "time() - max by (pipeline) "
                f"(max_over_time(odibi_pipeline_last_success_timestamp_seconds{{{JOB}}}[$__range]))",
                "{{pipeline}}",
            ),
        ),
        unit="s",
        make=number,
        width=6,
        height=6,
        colours=(("green", None), ("orange", 86400), ("red", 172800)),
        instant=True,
        no_value="none",
    ),
    Panel(
        title="Uptime",
        description="How long the processes that are scraped now have been measuring.",
        queries=((f"max by (instance) (odibi_uptime_seconds{{{JOB}}})", "{{instance}}"),),
        unit="s",
        make=number,
        width=6,
        height=6,
        instant=True,
        no_value="not running",
    ),
    Panel(
        title="Pipeline execution rate",
        description="Runs that ended, per minute, by pipeline and by how they ended.",
        queries=(
            (
                f"60 * sum by (pipeline, status) (rate(odibi_pipeline_runs_total{{{JOB}}}[$__rate_interval]))",
                "{{pipeline}} {{status}}",
            ),
        ),
        unit="opm",
        make=lines,
        width=12,
    ),
    Panel(
        title="Pipeline duration",
        description="How long 95 of 100 runs of a pipeline took at most.",
        queries=(
            (
                "histogram_quantile(0.95, sum by (le, pipeline) "
                f"(rate(odibi_pipeline_duration_seconds_bucket{{{JOB}}}[$__rate_interval])))",
                "{{pipeline}} p95",
            ),
        ),
        unit="s",
        make=lines,
        width=12,
    ),
    Panel(
        title="Node execution duration",
        description="How long the last execution of each node took; of several instances, the slowest.",
        queries=((f"max by (node) (odibi_node_duration_ms{{{NODE}}})", "{{node}}"),),
        unit="ms",
        make=lines,
        width=12,
    ),
    Panel(
        title="Data throughput",
        description="Rows that nodes produced per second, over all instances.",
        queries=((f"sum by (node) (rate(odibi_node_rows_total{{{NODE}}}[$__rate_interval]))", "{{node}}"),),
        unit="rowsps",
        make=lines,
        width=12,
    ),
    Panel(
        title="Cache hits vs misses",
        description="Cache lookups per second. A node that no cache was used for counts as a miss.",
        queries=(
            (f"sum(rate(odibi_cache_hits_total{{{NODE}}}[$__rate_interval]))", "hits"),
            (f"sum(rate(odibi_cache_misses_total{{{NODE}}}[$__rate_interval]))", "misses"),
        ),
        unit="ops",
        make=stacked_bars,
        width=24,
    ),
)
