"""Views: pure folds over events. A view is a sink with `answer()`; it does no I/O and reads no clock.

What they all promise, tested as a property over every one of them: **live equals replay**. A view that heard
a run as it happened and one fed from the store afterwards give the same answer.

    runs       one row for each run                 timeline   how far one run is, step by step
    logs       the last entries, and their summary  lineage    what one run did to which data
    metrics    the numbers                          health     how each thing that is checked stands
    usage      what of a program is used            errors     what went wrong, the same failures together
    operations where the time went, as a tree       costs      what was spent, on what
"""

from odibi_core.views.base import BUILTIN, View

__all__ = ["BUILTIN", "View"]
