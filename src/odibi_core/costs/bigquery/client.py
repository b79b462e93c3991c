"""The observed BigQuery client: a record of each job and its cost, estimates, and limits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from odibi_core.costs.bigquery.job import SCRIPT, query_fields, read, rows_fields
from odibi_core.costs.bigquery.price import GIB, MIB, TIB, Price, Prices, as_prices, billable, usd_for_bytes
from odibi_core.costs.bigquery.watch import PATIENCE_S, JobWatch, ObserveOptions, Submission, record_job, safely
from odibi_core.errors import ConfigurationError, CostLimitError
from odibi_core.events import sanitize_value
from odibi_core.events.arguments import require_number
from odibi_core.events.clock import utc_now
from odibi_core.events.normalize import to_text
from odibi_core.plugins import missing_extra

__all__ = ["Estimate", "ObservedClient", "Price", "Prices", "estimate_bigquery", "observe_bigquery"]

_MAX_LABELS: Final = 64
_POSITIONS: Final = ("job_id", "job_id_prefix", "location", "project")
"""Positional parameters of `Client.query` after the job's configuration."""
_OPERATIONS: Final = {
    "load_table_from_uri": "load", "load_table_from_file": "load", "load_table_from_dataframe": "load",
    "load_table_from_json": "load", "extract_table": "extract", "copy_table": "copy", "create_job": "job",
}  # fmt: skip


class Estimate(msgspec.Struct, frozen=True):
    """The cost of a query by a dry run: an upper bound for clustered tables, close to nothing for a script."""

    bytes_processed: int
    bytes_billed: int
    """The same in whole MiB, at least 10 for the query and for each table."""
    usd: float | None
    """None if no price is known."""
    price: Price | None
    tables: list[str]
    statement_type: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        size, unit = (GIB, "GiB") if self.bytes_billed >= GIB else (MIB, "MiB")
        billed = f"{self.bytes_billed / size:,.2f} {unit} billed"
        if self.usd is None or self.price is None:
            return f"{billed}, price unknown"
        usd = f"{self.usd:,.2f}" if self.usd >= 0.01 or not self.usd else f"{self.usd:.6f}"
        return f"{usd} USD: {billed} at {self.price.usd} USD per TiB"


def observe_bigquery(
    client: Any,
    *,
    operation: str | None = None,
    prices: Prices | float | None = None,
    maximum_bytes_billed: int | None = None,
    max_usd: float | None = None,
    labels: bool = True,
    tags: Mapping[str, Any] | None = None,
) -> ObservedClient:
    """Return a client that behaves as `client`, and records each job and its cost.

    Args:
        client: A `google.cloud.bigquery.Client`, which stays unchanged.
        operation: Operation of the events, by default that of the context.
        prices: Dollars for a TiB, or `Prices`; by default `ODIBI_COST__USD_PER_TIB`, else the public ones.
        maximum_bytes_billed: Billed bytes above which BigQuery refuses a query.
        max_usd: US dollars above which a query raises `CostLimitError` before it runs.
        labels: Label query jobs with `odibi_run_id`, `odibi_correlation_id` and `odibi_operation`.
        tags: Tags of the events.

    Raises:
        ConfigurationError: If an argument is out of range or of another type, or the client is observed already.
    """
    for name, limit in (("maximum_bytes_billed", maximum_bytes_billed), ("max_usd", max_usd)):
        if limit is not None:
            require_number(name, limit, above=0)
    if isinstance(client, ObservedClient):
        raise ConfigurationError("this client is observed already; observe the client from which it was made")
    if not callable(getattr(client, "query", None)):
        raise ConfigurationError(f"client must be a google.cloud.bigquery.Client, got {client!r:.200}")
    kept = {} if tags is None else sanitize_value(tags)
    if not isinstance(kept, dict):
        raise ConfigurationError(f"tags must be a dict, got {kept!r:.200}")
    named = None if operation is None else to_text(operation)
    options = ObserveOptions(named, as_prices(prices), maximum_bytes_billed, max_usd, labels, kept)
    return ObservedClient(client, options)


def estimate_bigquery(
    client: Any, sql: str, *, prices: Prices | float | None = None, job_config: Any = None, **where: Any
) -> Estimate:
    """Estimate the cost of a query by a dry run, which is free.

    Args:
        client: A client, observed or not.
        sql: The query.
        prices: As for `observe_bigquery`.
        job_config: Configuration of the query.
        where: `location`, `project`.

    Raises:
        ConfigurationError: If `client` is no client.
        MissingExtraError: If `google-cloud-bigquery` is not installed.
    """
    if not callable(getattr(client, "query", None)):
        raise ConfigurationError(
            "client must be a google.cloud.bigquery.Client or the result of observe_bigquery, "
            f"got a {type(client).__name__}"
        )
    config = copy.deepcopy(job_config) if job_config is not None else _config_class()()
    config.dry_run, config.use_query_cache = True, False
    job = client.query(sql, job_config=config, **where)
    found = query_fields(job)
    processed, tables = found.get("bytes_processed") or 0, found.get("tables", [])
    price, note = as_prices(prices).per_tib(found.get("location"), utc_now().date())
    billed = billable(processed, len(tables))
    if found.get("statement_type") == SCRIPT:
        note = "a dry run does not show the bytes that a script's statements read"
    return Estimate(
        bytes_processed=processed,
        bytes_billed=billed,
        usd=None if price is None else float(usd_for_bytes(billed, price)),
        price=price,
        tables=tables,
        statement_type=found.get("statement_type"),
        note=note,
    )


def _config_class() -> Any:
    try:
        from google.cloud.bigquery import QueryJobConfig
    except ImportError:
        raise missing_extra("google", "observing BigQuery") from None
    return QueryJobConfig


class ObservedClient:
    """A BigQuery client with a record of its jobs and their costs. `observe_bigquery` makes one.

    A query is recorded when its end is detected: in `result()` and every method that calls it, `done()`, `reload()`,
    `query_and_wait()`. `settle()`, `close()` and the end of a `with` block request the state of the other jobs.
    """

    def __init__(self, client: Any, options: ObserveOptions) -> None:
        self.__dict__.update(_observed=client, _options=options, _unfinished={})

    @property  # type: ignore[misc]  # so that `isinstance(client, bigquery.Client)` stays true
    def __class__(self) -> type[Any]:
        return type(self._observed)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._observed, name)
        kind = _OPERATIONS.get(name)
        return found if kind is None else self._starting(found, kind)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._observed, name, value)

    def __repr__(self) -> str:
        return f"<observed {self._observed!r}>"

    def query(self, query: str, job_config: Any = None, *args: Any, **options: Any) -> Any:
        """Start a query as `Client.query`, and watch its job."""
        if self._is_dry(job_config):
            return self._observed.query(query, job_config, *args, **options)
        submission = Submission(self._options)
        with submission.recording_failure(query):
            where = {**dict(zip(_POSITIONS, args, strict=False)), **options}
            config = self._allowed(query, job_config, where, submission)
            job = self._observed.query(query, config, *args, **options)
        return self._watch(job, submission)

    def query_and_wait(self, query: str, *, job_config: Any = None, **options: Any) -> Any:
        """Run a query as `Client.query_and_wait`; for the record, the job is requested once after the rows."""
        if self._is_dry(job_config):
            return self._observed.query_and_wait(query, job_config=job_config, **options)
        submission = Submission(self._options)
        with submission.recording_failure(query):
            config = self._allowed(query, job_config, options, submission)
            rows = self._observed.query_and_wait(query, job_config=config, **options)
        safely(self._rows_came, rows, query, submission)
        return rows

    def estimate(self, sql: str, *, job_config: Any = None, **where: Any) -> Estimate:
        """Estimate the cost of a query by `estimate_bigquery`, with this client's prices."""
        return estimate_bigquery(self._observed, sql, prices=self._options.prices, job_config=job_config, **where)

    def settle(self) -> int:
        """Request the state of each unfinished job once, record those that are done; return the number of others."""
        for job in list(self._unfinished.values()):
            safely(job.reload, timeout=PATIENCE_S)
        return len(self._unfinished)

    def close(self) -> None:
        """Record the jobs that are done, and close the client."""
        self.settle()
        self._observed.close()

    def __enter__(self) -> ObservedClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_dry(self, config: Any) -> bool:
        given = read(config, "dry_run")
        return (read(self._default(), "dry_run") if given is None else given) is True

    def _default(self) -> Any:
        """Return the configuration that the client adds to every query; None if there is none."""
        found = read(self._observed, "default_query_job_config")
        return found if isinstance(found, _config_class()) else None

    def _allowed(self, sql: str, given: Any, where: Mapping[str, Any], submission: Submission) -> Any:
        """Return the configuration with limits and labels; raise if the query would cost too much."""
        kind, options = _config_class(), self._options
        if given is not None and not isinstance(given, kind):
            return given  # the client raises the error
        config = kind() if given is None else copy.deepcopy(given)
        default = self._default()
        limits = [
            options.maximum_bytes_billed,
            read(config, "maximum_bytes_billed") or read(default, "maximum_bytes_billed"),
        ]
        if options.max_usd is not None:
            place = {name: where[name] for name in ("location", "project") if name in where}
            limits.append(_bytes_within(self.estimate(sql, job_config=given, **place), options.max_usd))
        if any(limits):
            config.maximum_bytes_billed = min(int(limit) for limit in limits if limit)
        if options.labels:
            own = config.labels or read(default, "labels") or {}  # as in the client: one or the other
            config.labels = {**own, **_labels_to_add(submission.labels(), own)}
        return config

    def _starting(self, start: Any, kind: str) -> Any:
        def started(*args: Any, **options: Any) -> Any:
            submission = Submission(self._options)
            with submission.recording_failure(kind=kind):
                job = start(*args, **options)
            return self._watch(job, submission)

        return started

    def _watch(self, job: Any, submission: Submission) -> Any:
        if read(job, "dry_run") is not True:
            safely(JobWatch, job, submission, self._observed, self._unfinished)
        return job

    def _rows_came(self, rows: Any, sql: str, submission: Submission) -> None:
        job = None
        if read(rows, "job_id"):
            where = {"project": read(rows, "project"), "location": read(rows, "location")}
            job = safely(self._observed.get_job, rows.job_id, **where, retry=None, timeout=PATIENCE_S)
        if job is None:
            submission.publish_query(rows_fields(rows, sql))
        else:
            record_job(job, submission, self._observed, read(rows, "total_rows"))


def _bytes_within(estimate: Estimate, max_usd: float) -> int | None:
    """Return the bytes that the limit buys, for BigQuery's own limit: a script or a growing table may read more."""
    if estimate.usd is None or estimate.price is None:
        raise CostLimitError(
            f"the query was not run: its limit is {max_usd:,.6g} USD, and its price is not known ({estimate.note})",
            estimate,
            max_usd,
        )
    if estimate.usd > max_usd:
        raise CostLimitError(
            f"the query was not run: it would cost {estimate}, and may cost {max_usd:,.6g} USD at most; "
            "read fewer columns or a partition, or raise max_usd",
            estimate,
            max_usd,
        )
    per_tib = float(estimate.price.usd)
    return int(max_usd / per_tib * TIB) if per_tib > 0 else None


def _labels_to_add(labels: dict[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that fit beside the user's own."""
    room = max(0, _MAX_LABELS - len(own))
    return dict([item for item in labels.items() if item[0] not in own][:room])
