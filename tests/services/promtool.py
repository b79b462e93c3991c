"""promtool's verdict on a text of metrics, and the complaints that are allowed."""

import shutil
import subprocess

PROMTOOL = shutil.which("promtool")
WAIVED = {  # the older systems' names, which dashboards read: units that are no base units, abbreviated
    "odibi_node_duration_ms",
    "odibi_memory_usage_mb",
    "odibi_throughput_rows_per_sec",
    "odibi_worker_utilization_pct",
}


def promtool(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run `promtool check metrics` and the like, with a text on its standard input."""
    assert PROMTOOL, "promtool is not installed (Debian: prometheus)"
    return subprocess.run(
        [PROMTOOL, *command], input=text, capture_output=True, text=True, encoding="utf-8", check=False
    )


def complaints(text: str) -> set[str]:
    """Return the names whose style promtool criticizes; an unreadable text is an `AssertionError`."""
    said = promtool("check", "metrics", text=text)
    assert said.returncode in (0, 3), said.stderr
    return {line.split()[0] for line in (said.stdout + said.stderr).splitlines() if line.strip()}
