"""A program that measures under some names and, once the file `more` is there, under names spelled alike."""

from pathlib import Path
from time import sleep

from odibi_core.observability import get_metrics, init_observability

init_observability()
metrics = get_metrics()
metrics.increment("x", value=1)
metrics.set_gauge("rows_loaded", None, 2)
metrics.increment("jobs", value=3)
metrics.observe("took", None, 4.0)
metrics.set_gauge("zone.size", None, 5)
metrics.set_gauge("place", None, 6, {"b.c": "1"})
metrics.set_gauge("bare", None, 7, {"empty": ""})
while not Path("more").exists():
    sleep(0.1)
metrics.increment("odibi_x", value=100)
metrics.set_gauge("rows-loaded", None, 100)
metrics.set_gauge("jobs", None, 100)
metrics.set_gauge("took_count", None, 100)
metrics.set_gauge("zone.size_", None, 100)
metrics.set_gauge("zone:.size", None, 100)
metrics.set_gauge("place", None, 100, {"b-c": "1"})
metrics.set_gauge("bare", None, 7)
metrics.increment("later")
while True:
    sleep(1)
