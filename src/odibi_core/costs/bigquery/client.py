"""BigQuery's client, observed: what each query did and cost, what it would cost, and a limit to that."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from math import inf
from typing import Any, Final

import msgspec

from odibi_core.costs.bigquery.job import SCRIPT, ask, query_fields, rows_fields
from odibi_core.costs.bigquery.price import GIB, MIB, TIB, Price, Prices, as_prices, billable, usd_for_bytes
from odibi_core.costs.bigquery.watch import PATIENCE_S, Moment, Terms, Watch, record, safely
from odibi_core.errors import ConfigurationError, CostLimitError, MissingExtraError
from odibi_core.events import sanitize_value
from odibi_core.events.clock import utc_now
from odibi_core.events.normalize import to_text

__all__ = ["Estimate", "ObservedClient", "Price", "Prices", "estimate_bigquery", "observe_bigquery"]

_MAX_LABELS: Final = 64
_POSITIONS: Final = ("job_id", "job_id_prefix", "location", "project")
"""What `Client.query` takes by position after the job's configuration."""
_OPERATIONS: Final = {
    "load_table_from_uri": "load", "load_table_from_file": "load", "load_table_from_dataframe": "load",
    "load_table_from_json": "load", "extract_table": "extract", "copy_table": "copy", "create_job": "job",
}  # fmt: skip


class Estimate(msgspec.Struct, frozen=True):
    """What a query would cost, by a dry run: an upper bound for clustered tables, next to nothing for a script."""

    bytes_processed: int
    bytes_billed: int
    """Those in whole MiB, at least 10 for the query and for each table."""
    usd: float | None
    """None where no price is known."""
    price: Price | None
    tables: list[str]
    statement_type: str | None = None
    note: str | None = None

    def __str__(self) -> str:
        size, unit = (GIB, "GiB") if self.bytes_billed >= GIB else (MIB, "MiB")
        billed = f"{self.bytes_billed / size:,.2f} {unit} billed"
        if self.usd is None or self.price is None:
            return f"{billed}, at a price that is not known"
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
    """A client that does all that `client` does, and records what jobs did and cost.

    `operation` and `tags` stand in each event. `prices` are dollars for a TiB, or `Prices`. A query that would bill
    more than `maximum_bytes_billed` is refused by BigQuery; one that would cost more than `max_usd` raises
    `CostLimitError` before it runs. With `labels`, query jobs carry `odibi_run_id`, `odibi_correlation_id` and
    `odibi_operation`. Raises `ConfigurationError` for what cannot be right.
    """
    for name, limit in (("maximum_bytes_billed", maximum_bytes_billed), ("max_usd", max_usd)):
        if limit is not None and (
            isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 < limit < inf
        ):
            given = sanitize_value(limit)
            raise ConfigurationError(f"{name} must be a number greater than 0, or None, got {given!r:.200}")
    if isinstance(client, ObservedClient):
        raise ConfigurationError("this client is observed already; observe the one that it was made of")
    if not callable(getattr(client, "query", None)):
        raise ConfigurationError(f"what is observed is a google.cloud.bigquery.Client; given was {client!r:.200}")
    kept = {} if tags is None else sanitize_value(tags)
    if not isinstance(kept, dict):
        raise ConfigurationError(f"tags are a dict of what every event shall say; given was {kept!r:.200}")
    named = None if operation is None else to_text(operation)
    terms = Terms(named, as_prices(prices), maximum_bytes_billed, max_usd, labels, kept)
    return ObservedClient(client, terms)


def estimate_bigquery(
    client: Any, sql: str, *, prices: Prices | float | None = None, job_config: Any = None, **where: Any
) -> Estimate:
    """What a query would cost, asked of BigQuery by a dry run, which is free. `where`: `location`, `project`."""
    if not callable(getattr(client, "query", None)):
        raise ConfigurationError(
            "client is a google.cloud.bigquery.Client, or what observe_bigquery gave; "
            f"given was a {type(client).__name__}"
        )
    config = copy.deepcopy(job_config) if job_config is not None else _config_class()()
    config.dry_run, config.use_query_cache = True, False
    job = client.query(sql, job_config=config, **where)
    found = query_fields(job)
    processed, tables = found.get("bytes_processed") or 0, found.get("tables", [])
    price, note = as_prices(prices).per_tib(found.get("location"), utc_now().date())
    billed = billable(processed, len(tables))
    if found.get("statement_type") == SCRIPT:
        note = "a dry run does not tell what a script's statements will read"
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
        raise MissingExtraError(
            "observing BigQuery needs its client, which is not installed: pip install 'odibi-core[bigquery]'"
        ) from None
    return QueryJobConfig


class ObservedClient:
    """All of a BigQuery client, with a record of what its jobs did and cost. `observe_bigquery` makes one.

    A query is recorded when its end is seen: in `result()` and whatever waits by it, `done()`, `reload()`,
    `query_and_wait()`. What nobody waits for is asked of by `settle()`, and by `close()` or the end of a `with` block.
    """

    def __init__(self, client: Any, terms: Terms) -> None:
        self.__dict__.update(_observed=client, _terms=terms, _unfinished={})

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
        """`Client.query`, observed."""
        if self._is_dry(job_config):
            return self._observed.query(query, job_config, *args, **options)
        moment = Moment(self._terms)
        with moment.failing(query):
            where = {**dict(zip(_POSITIONS, args, strict=False)), **options}
            config = self._allowed(query, job_config, where, moment)
            job = self._observed.query(query, config, *args, **options)
        return self._watch(job, moment)

    def query_and_wait(self, query: str, *, job_config: Any = None, **options: Any) -> Any:
        """`Client.query_and_wait`, observed. For the record the job is asked for once, after the rows came."""
        if self._is_dry(job_config):
            return self._observed.query_and_wait(query, job_config=job_config, **options)
        moment = Moment(self._terms)
        with moment.failing(query):
            config = self._allowed(query, job_config, options, moment)
            rows = self._observed.query_and_wait(query, job_config=config, **options)
        safely(self._rows_came, rows, query, moment)
        return rows

    def estimate(self, sql: str, *, job_config: Any = None, **where: Any) -> Estimate:
        """What a query would cost: `estimate_bigquery` with this client's prices."""
        return estimate_bigquery(
            self._observed, sql, prices=self._terms.prices, job_config=job_config, **where
        )

    def settle(self) -> int:
        """Ask once of each job that nobody waited for, and record those that are done; gives how many are not."""
        for job in list(self._unfinished.values()):
            safely(job.reload, timeout=PATIENCE_S)
        return len(self._unfinished)

    def close(self) -> None:
        """Record what can be, and close the client."""
        self.settle()
        self._observed.close()

    def __enter__(self) -> ObservedClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_dry(self, config: Any) -> bool:
        said = ask(config, "dry_run")
        return (ask(self._default(), "dry_run") if said is None else said) is True

    def _default(self) -> Any:
        """What the client adds to every query's configuration, if anything."""
        found = ask(self._observed, "default_query_job_config")
        return found if isinstance(found, _config_class()) else None

    def _allowed(self, sql: str, given: Any, where: Mapping[str, Any], moment: Moment) -> Any:
        """The configuration with our limits and labels; raises where the query would cost too much."""
        kind, terms = _config_class(), self._terms
        if given is not None and not isinstance(given, kind):
            return given  # the client says what is wrong with it
        config = kind() if given is None else copy.deepcopy(given)
        default = self._default()
        limits = [
            terms.maximum_bytes_billed,
            ask(config, "maximum_bytes_billed") or ask(default, "maximum_bytes_billed"),
        ]
        if terms.max_usd is not None:
            place = {name: where[name] for name in ("location", "project") if name in where}
            limits.append(_within(self.estimate(sql, job_config=given, **place), terms.max_usd))
        if any(limits):
            config.maximum_bytes_billed = min(int(limit) for limit in limits if limit)
        if terms.labels:
            own = config.labels or ask(default, "labels") or {}  # as the client has it: the one or the other
            config.labels = {**own, **_room_for(moment.labels(), own)}
        return config

    def _starting(self, start: Any, kind: str) -> Any:
        def started(*args: Any, **options: Any) -> Any:
            moment = Moment(self._terms)
            with moment.failing(kind=kind):
                job = start(*args, **options)
            return self._watch(job, moment)

        return started

    def _watch(self, job: Any, moment: Moment) -> Any:
        if ask(job, "dry_run") is not True:
            safely(Watch, job, moment, self._observed, self._unfinished)
        return job

    def _rows_came(self, rows: Any, sql: str, moment: Moment) -> None:
        job = None
        if ask(rows, "job_id"):
            where = {"project": ask(rows, "project"), "location": ask(rows, "location")}
            job = safely(self._observed.get_job, rows.job_id, **where, retry=None, timeout=PATIENCE_S)
        if job is None:
            moment.tell_query(rows_fields(rows, sql))
        else:
            record(job, moment, self._observed, ask(rows, "total_rows"))


def _within(estimate: Estimate, max_usd: float) -> int | None:
    """The bytes that the limit buys, which BigQuery is told too, for a script or a table that grows meanwhile."""
    if estimate.usd is None or estimate.price is None:
        raise CostLimitError(
            f"the query was not run: it may cost {max_usd:,.6g} USD, and its price is not known ({estimate.note})",
            estimate,
            max_usd,
        )
    if estimate.usd > max_usd:
        raise CostLimitError(
            f"the query was not run: it would cost {estimate}, and may cost {max_usd:,.6g} USD at most; "
            "read less (fewer columns, a partition), or raise max_usd",
            estimate,
            max_usd,
        )
    per_tib = float(estimate.price.usd)
    return int(max_usd / per_tib * TIB) if per_tib > 0 else None


def _room_for(labels: dict[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Those of ours that do not take the place of the user's own."""
    room = max(0, _MAX_LABELS - len(own))
    return dict([item for item in labels.items() if item[0] not in own][:room])
