"""Late facts: the rows, missing values and checks of frames that are plans, counted by the job that executes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final

from odibi_core.engines import spark_operators, spark_plans, spark_rows, spark_session
from odibi_core.engines.plan_operators import WITHIN, Operators
from odibi_core.engines.spark_rows import Counted
from odibi_core.errors import STOPS
from odibi_core.events import clock

_GRACE: Final = 0.2
"""Seconds to wait for further counts of a job of which the first are there: Spark delivers all of them together."""


class Late:
    """The frame of a step, whose facts come with a later job.

    Args:
        frame: A frame of Spark.
        plan: Returns the checks to count; None for none.
        asked: Count at a cost even without checks, as at the level `stats`.
        nulls: Count the missing values too.
    """

    def __init__(self, frame: Any, plan: spark_rows.Plan | None, *, asked: bool, nulls: bool) -> None:
        self.frame = frame
        self.nulls = nulls
        self._plan = plan
        self._asked = asked
        self.operators = Operators(reason=WITHIN)
        """The rows after each operator of its plan."""
        self.results: list[Any] | None = None if plan is None else spark_rows.known_results(frame, plan)
        """A result for each check, and None for one that was not counted; None before that."""

    @property
    def plan(self) -> spark_rows.Plan | None:
        """The checks that are still to be counted."""
        return self._plan if self.results is None else None

    @property
    def asked(self) -> bool:
        return self._asked or self.plan is not None

    @property
    def is_known(self) -> bool:
        return self.plan is None and spark_rows.rows(self.frame) is not None

    @property
    def looks_at_columns(self) -> bool:
        return self.nulls or self.plan is not None

    @property
    def counts_nulls_alone(self) -> bool:
        return self.nulls and self.plan is None

    def take(self, counted: Counted, patience: float) -> bool:
        """Keep what a job has counted; return False if it counted nothing."""
        if self.is_known:
            return True
        rows, results = counted.finish(patience)
        if rows is not None and self.plan is not None:
            self.results = results
        return rows is not None


class LateFrames:
    """The frames of a run whose facts are late."""

    def __init__(self) -> None:
        self._waiting: list[Late] = []
        self._lock = Lock()
        self.counts_nulls = False
        """Count the missing values of frames that are written too."""
        self.counts_operators = False
        """Read the rows after each operator of the plans that are executed."""
        self.metrics = spark_operators.Metrics()
        self.arrived: Callable[[], None] = lambda: None
        """Called after each job that may have brought facts, in its thread. An error that it raises ends the step."""

    def add(self, late: Late) -> Late:
        with self._lock:
            self._waiting.append(late)
        return late

    def close(self) -> None:
        """Forget the frames, at the end of the run."""
        with self._lock:
            self._waiting.clear()

    def execution(self, frame: Any, plan: spark_rows.Plan | None = None, *, counted: bool = True) -> Execution:
        """Return the execution of a frame, which counts for the frame and for those of earlier steps.

        Args:
            frame: The frame.
            plan: Returns its own checks to count.
            counted: Count its own rows; False if they will be known without that.
        """
        root = None
        if counted or plan is not None:
            root = Counted(frame, plan, nulls=counted and self.counts_nulls)
        with self._lock:
            self._waiting = [late for late in self._waiting if not late.is_known]
            waiting = [late for late in self._waiting if late.frame is not frame or late.plan is not None]
            own = [late for late in self._waiting if late.frame is frame]
        execution = Execution(self, frame if root is None else root.frame, root, has_checks=plan is not None)
        execution.own = own if self.counts_operators and spark_plans.is_classic(frame) else []
        if waiting and spark_plans.is_classic(frame):
            try:
                execution.observe(waiting)
            except STOPS:
                raise
            except Exception:
                pass  # the inside of another version of Spark: the facts stay unknown
        return execution


class Execution:
    """One execution of a frame: `frame` is to be executed, and `finish` keeps the facts."""

    def __init__(self, frames: LateFrames, frame: Any, root: Counted | None, *, has_checks: bool) -> None:
        self.frame = frame
        self.has_checks = has_checks
        """True if checks are counted, one of which may be what fails."""
        self._frames = frames
        self._root = root
        self._late: list[tuple[Late, Counted]] = []
        self.own: Sequence[Late] = ()
        """The frame itself among those whose facts are late, if the rows of its operators are to be read."""
        self._began = clock.utc_now().timestamp()

    def observe(self, waiting: Sequence[Late]) -> None:
        """Count for frames that the plan is built on: those that are seen whole, and that stop no filter.

        A frame that is `asked` for may stop one. Without one observation a filter may come to stop at another, so the
        plan is judged until all of its observations are fit.
        """
        spark, whole, is_first = self.frame.sparkSession, spark_plans.analyzed(self.frame), True
        while waiting:
            counting = _Counting(waiting)
            plans = [spark_plans.analyzed(late.frame) for late in waiting]
            with_columns = {place for place, late in enumerate(waiting) if late.looks_at_columns}
            grafting = spark_plans.Grafting(spark, plans, counting.plan, with_columns)
            grown = grafting.into(whole)
            if twins := [waiting[place] for place in grafting.twins if waiting[place].counts_nulls_alone]:
                for late in twins:  # the rows can be counted in both copies
                    late.nulls = False
                continue
            made = spark_plans.frame_of(spark, grown)
            asked = {each.name for place, each in counting.made.items() if waiting[place].asked}
            judged = spark_plans.verdicts(made, asked) if counting.made else {}
            fit = [(waiting[place], each) for place, each in sorted(counting.made.items())
                   if _is_fit(waiting[place], judged.get(each.name))]  # fmt: skip
            if len(fit) == len(counting.made):
                if fit and (not spark_plans.has_cached(spark) or _keeps_cached(made, self.frame)):
                    self.frame, self._late = made, fit
                    self.has_checks |= any(late.plan is not None for late, _ in fit)
                return
            waiting = [late for late, _ in fit if is_first or late.asked]
            is_first = False

    def finish(self) -> tuple[int | None, list[Any] | None]:
        """Keep the counts of the job that has ended; return the rows of the frame, and the results of its checks."""
        rows, results = (None, None) if self._root is None else self._root.finish()
        patience = spark_rows.PATIENCE if rows is None else _GRACE
        for late, counted in self._late:
            if late.take(counted, patience):
                patience = _GRACE
        self._read_operators()
        self._frames.arrived()
        return rows, results

    def _read_operators(self) -> None:
        """Keep the rows after each operator, for the frame and for those of earlier steps with an observation."""
        wanted: list[tuple[Late, str | None]] = [(late, None) for late in self.own]
        if self._frames.counts_operators:
            wanted += [(late, counted.name) for late, counted in self._late if late not in self.own]
        if not wanted:
            return
        metrics, spark = self._frames.metrics, self.frame.sparkSession
        executed = metrics.of_step(spark, spark_session.description(), self._began)
        for late, name in wanted:
            late.operators = Operators(reason=executed) if isinstance(executed, str) else executed.operators(name)


class _Counting:
    """The counts of late frames, by their places in a sequence, made for those that are there."""

    def __init__(self, waiting: Sequence[Late]) -> None:
        self._waiting = waiting
        self.made: dict[int, Counted] = {}

    def plan(self, place: int) -> Any:
        """Return the plan of the frame of this place, with its observation."""
        if place not in self.made:
            late = self._waiting[place]
            self.made[place] = Counted(late.frame, late.plan, nulls=late.nulls)
        return spark_plans.analyzed(self.made[place].frame)


def _is_fit(late: Late, verdict: spark_plans.Verdict | None) -> bool:
    """Return whether an observation counts each row of its frame, and costs next to nothing if nothing asks for it."""
    return verdict is not None and verdict.complete and (late.asked or (verdict.harmless and verdict.cheap))


def _keeps_cached(made: Any, bare: Any) -> bool:
    """Return whether a plan with observations takes as much from the cache of the session as without them."""
    return spark_plans.cached_scans(made) >= spark_plans.cached_scans(bare)
