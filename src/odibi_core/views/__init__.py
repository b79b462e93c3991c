"""Views: folds over events. A view is a sink with `answer()`; it does no I/O and reads no clock.

**Live equals replay**, a property test over all views: a view that was subscribed during a run and one that was fed
from the store give the same answer. Answers about runs are the structs of `answers`; `as_dict` writes them with the
contract's keys.

- `runs`: a row for each run
- `timeline`: the progress of one run, step by step
- `lineage`: the data of one run, step by step
- `logs`: the last entries and a summary
- `metrics`: the numbers
- `operations`: durations, as a tree
- `errors`: failures, grouped by fingerprint
- `health`: the last result of each health check
- `usage`: the use of a program's commands
- `costs`: estimated costs, by several keys
"""

from odibi_core.views.base import BUILTIN, View

__all__ = ["BUILTIN", "View"]
