"""OpenLineage: the events of a run as events of its specification 2-0-2, a pure function.

`OpenLineageFold` takes the events of a run one by one and returns those of OpenLineage, during the run and from the
record alike. Nothing here opens a file or a connection.
"""

from odibi_core.openlineage.fold import OpenLineageFold, openlineage_events

__all__ = ["OpenLineageFold", "openlineage_events"]
