"""An observed BigQuery client: Google's own client against recorded job resources on a loopback server."""

import copy
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from unittest.mock import MagicMock, Mock

import pytest
from bigquery_fake import FakeBigQuery
from google.api_core.exceptions import BadRequest, GoogleAPICallError, NotFound
from google.api_core.retry import Retry
from google.cloud import bigquery
from tests.costs.bigquery.jobs.recorded import TIB, recorded, resource

from odibi_core import observe
from odibi_core._state import STATE
from odibi_core.costs.bigquery import Estimate, estimate_bigquery, observe_bigquery
from odibi_core.costs.bigquery.price import MINIMUM_BYTES, Price, Prices, as_prices, billable
from odibi_core.costs.bigquery.watch import as_label
from odibi_core.errors import ConfigurationError, CostLimitError
from odibi_core.events import Event
from odibi_core.logs.context import LogContext
from odibi_core.settings import set_config
from odibi_core.testing import RecordingSink


@pytest.fixture
def fake() -> Iterator[FakeBigQuery]:
    with FakeBigQuery(recorded) as made:
        yield made


@pytest.fixture
def client(fake: FakeBigQuery) -> Any:
    return observe_bigquery(fake.client())


def told(heard: RecordingSink) -> tuple[Event, Event]:
    """The one query and the one cost."""
    (query,), (cost,) = heard.of_kind("query"), heard.of_kind("cost")
    return query, cost


def posted(fake: FakeBigQuery) -> list[dict[str, Any]]:
    """The configurations of the jobs that were asked for."""
    return [body["configuration"] for method, _, body in fake.requests if method == "POST"]


# Recorded events


def test_a_query_is_recorded_with_all_that_its_job_tells(client: Any, heard: RecordingSink) -> None:
    """Duration from start to end, rows, bytes, slot time, tables, SQL, and the id by which BigQuery knows it."""
    job = client.query("SELECT country FROM sales.orders -- select")
    assert [row["total"] for row in job.result()] == [41, 17, None]
    query, cost = told(heard)
    assert (query.duration_ms, query.status, query.cache_hit, query.level) == (2350, "success", False, "info")
    wanted = {"query_type": "SELECT", "statement_type": "SELECT", "rows_returned": 3, "slot_millis": 912345}
    wanted |= {"bytes_processed": 2 * TIB, "bytes_billed": 2 * TIB, "job_id": job.job_id, "location": "US"}
    wanted |= {"tables": ["demo-project.sales.orders", "demo-project.sales.customers"]}
    wanted |= {"sql": "SELECT country FROM sales.orders -- select"}
    assert wanted.items() <= query.fields.items()
    assert (cost.operation, cost.fields["estimated_cost_usd"]) == ("bigquery", 12.5)
    assert cost.fields["price"] == {
        "usd_per_tib": 6.25, "region": "US", "valid_from": "2023-07-05",
        "source": "https://cloud.google.com/bigquery/pricing",
    }  # fmt: skip
    assert cost.fields["job_id"] == job.job_id


@pytest.mark.parametrize(
    ("name", "usd", "basis"),
    [
        ("select", 12.5, "bytes_billed"),
        ("small", 0.000059604645, "bytes_billed"),
        ("cached", 0, "cached"),
        ("ddl", 0, "bytes_billed"),
        ("dml", 0.003051757812, "bytes_billed"),
        ("reserved", 0.12, "slot_time"),
        ("before_july_2023", 5, "bytes_billed"),
        ("frankfurt", 6.25, "bytes_billed"),
        ("create_model", None, "unknown"),
        ("failed", 0, "bytes_billed"),
    ],
)
def test_what_a_job_cost(client: Any, heard: RecordingSink, name: str, usd: float | None, basis: str) -> None:
    """By billed bytes at the price of that day and place, or by slot time; what is cached or refused is free."""
    job = client.query(f"SELECT 1 -- {name}")
    job.exception()
    fields = told(heard)[1].fields
    assert (fields.get("estimated_cost_usd"), fields["cost_basis"]) == (usd, basis)
    noted = {"frankfurt": "charged as in US", "create_model": "CREATE MODEL has prices of its own"}
    assert noted.get(name, "") in fields.get("cost_note", "")


def test_a_script_costs_what_its_statements_cost(client: Any, heard: RecordingSink) -> None:
    """The script is a query without a cost, each statement a query with one, in their order; nothing twice."""
    client.query("BEGIN … END -- script").result()
    script, *statements = heard.of_kind("query")
    assert (script.fields["query_type"], script.fields["script_parent"]) == ("SCRIPT", True)
    assert [each.fields["query_type"] for each in statements] == [
        "CREATE_TABLE_AS_SELECT",
        "SELECT",
        "SELECT",
    ]
    assert {each.fields["parent_job_id"] for each in statements} == {script.fields["job_id"]}
    assert [each.fields["estimated_cost_usd"] for each in heard.of_kind("cost")] == [6.25, 0, 3.125]


def test_a_script_whose_statements_are_not_told_costs_its_sum(heard: RecordingSink) -> None:
    """One cost, of the bytes of all its statements, with a remark."""

    def without_children(configuration: dict[str, Any]) -> dict[str, Any]:
        return {**recorded(configuration), "children": []}

    with FakeBigQuery(without_children) as fake:
        observe_bigquery(fake.client()).query("BEGIN … END -- script").result()
    (cost,) = heard.of_kind("cost")
    assert cost.fields["estimated_cost_usd"] == 9.375
    assert "could not be listed" in cost.fields["cost_note"]


def test_secrets_do_not_reach_the_record(client: Any, heard: RecordingSink) -> None:
    """SQL, errors and labels go the way of every event; a long statement is cut, after the redaction."""
    key = "AKIAIOSFODNN7EXAMPLE"
    sql = f"SELECT '{'x' * 9_975}', '{key}', 'ada@example.com' -- failed"
    config = bigquery.QueryJobConfig(labels={"owner": "eve"})
    with pytest.raises(BadRequest, match=r"ada@example\.com"):
        client.query(sql, config).result()
    query, _ = told(heard)
    assert key[:12] not in str(query)
    assert "ada@example.com" not in str(query)
    assert "characters]" in query.fields["sql"]
    assert query.fields["labels"] == {"owner": "eve"}


# When it is recorded


@pytest.mark.parametrize(
    "wait",
    [
        lambda job: job.result(),
        lambda job: list(job),
        lambda job: job.to_arrow(create_bqstorage_client=False),
        lambda job: job.exception(),
        lambda job: [None for _ in iter(job.done, True)],
        lambda job: job.reload(),
    ],
    ids=["result", "iteration", "to_arrow", "exception", "done", "reload"],
)
def test_a_job_is_recorded_once_by_whatever_sees_its_end(
    client: Any, heard: RecordingSink, wait: Callable[[Any], Any]
) -> None:
    """And not again by what asks afterwards."""
    job = client.query("SELECT 1 -- select")
    assert not heard.of_kind("query")
    wait(job)
    told(heard)
    job.result()
    job.done()
    client.settle()
    told(heard)


def test_a_job_that_nobody_waits_for_is_asked_of(fake: FakeBigQuery, heard: RecordingSink) -> None:
    """By `settle()`, which returns how many still run, and when the client is closed."""
    with observe_bigquery(fake.client()) as client:
        client.query("SELECT 1 -- select")
        fake.jobs[client.query("SELECT 2 -- small").job_id]["polls"] = 2
        assert client.settle() == 1
        assert len(heard.of_kind("cost")) == 1
    assert len(heard.of_kind("cost")) == 2


def test_a_job_that_was_tried_again_is_recorded_each_time(heard: RecordingSink) -> None:
    """The client makes a new job of the same object: the one that failed stands there, and the one that succeeded."""
    names = iter(["rate_limited", "select"])
    with FakeBigQuery(lambda _: resource(next(names))) as fake:
        again = Retry(predicate=lambda _: True, initial=0.01, maximum=0.01, timeout=20)
        job = observe_bigquery(fake.client()).query("SELECT 1", job_retry=again)
        assert len(list(job.result())) == 3
    first, second = heard.of_kind("query")
    assert (first.status, second.status) == ("failed", "success")
    assert first.fields["job_id"] != second.fields["job_id"] == job.job_id
    assert [cost.fields["estimated_cost_usd"] for cost in heard.of_kind("cost")] == [0, 12.5]


READINGS: dict[str, Callable[[Any], Any]] = {
    "job to_arrow": lambda client: client.query("SELECT 1 -- select").to_arrow(),
    "rows to_arrow": lambda client: client.query("SELECT 1 -- select").result().to_arrow(),
    "waited for, to_arrow": lambda client: client.query_and_wait("SELECT 1 -- select").to_arrow(),
    "record batches": lambda client: list(client.query("SELECT 1 -- select").result().to_arrow_iterable()),
    "pages": lambda client: [
        [tuple(row) for row in page] for page in client.query("SELECT 1 -- select").result().pages
    ],
    "to_dataframe": lambda client: client.query("SELECT 1 -- select").to_dataframe().to_dict("list"),
}


def read(reading: str, client: Any) -> Any:
    """The same result, or the same error if a library is missing: `to_dataframe` needs db-dtypes."""
    try:
        return READINGS[reading](client)
    except ValueError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore:BigQuery Storage module not found", "ignore:Retrieving DataFrames")
@pytest.mark.parametrize("reading", READINGS)
def test_whatever_reads_a_result_reads_the_same_and_is_recorded_once(
    fake: FakeBigQuery, client: Any, heard: RecordingSink, reading: str
) -> None:
    """Tables of Arrow, pages, frames: value for value what the client gives without us."""
    assert read(reading, client) == read(reading, fake.client())
    query, cost = told(heard)
    assert (query.fields["rows_returned"], cost.fields["estimated_cost_usd"]) == (3, 12.5)


def test_an_observed_result_as_a_table(client: Any) -> None:
    """With the columns, types and nulls of the schema."""
    table = client.query("SELECT 1 -- select").to_arrow()
    assert [str(kind) for kind in table.schema.types] == ["string", "int64"]
    assert table.to_pydict() == {"country": ["UK", "NO", "DE"], "total": [41, 17, None]}


@pytest.mark.parametrize("name", ["select", "script", "cached"])
def test_query_and_wait_is_recorded_from_its_job(client: Any, heard: RecordingSink, name: str) -> None:
    """Its rows do not hold the billed bytes, so the job is requested once."""
    assert len(list(client.query_and_wait(f"SELECT 1 -- {name}"))) == 3
    assert heard.of_kind("query")[0].fields["rows_returned"] == 3
    assert sum(cost.fields["estimated_cost_usd"] for cost in heard.of_kind("cost")) == {
        "select": 12.5, "script": 9.375, "cached": 0,
    }[name]  # fmt: skip


def test_where_the_job_cannot_be_asked_the_rows_are_what_is_known(
    fake: FakeBigQuery, heard: RecordingSink
) -> None:
    """The cost is then computed from the bytes processed, with BigQuery's minimum."""
    client = fake.client()
    client.get_job = None  # as with an account that may query, and not see jobs
    list(observe_bigquery(client).query_and_wait("SELECT 1 -- small"))
    query, cost = told(heard)
    assert query.fields["bytes_processed"] == 31337
    assert (cost.fields["cost_basis"], cost.fields["estimated_cost_usd"]) == (
        "bytes_processed",
        0.000059604645,
    )


def test_jobs_queries_by_the_short_way_are_recorded_too(client: Any, heard: RecordingSink) -> None:
    """`api_method="QUERY"` sends the query another way, with the same labels and limits."""
    list(client.query("SELECT 1 -- select", api_method="QUERY").result())
    assert told(heard)[1].fields["estimated_cost_usd"] == 12.5


def test_loads_extracts_and_copies_are_operations(
    client: Any, fake: FakeBigQuery, heard: RecordingSink
) -> None:
    """With the table, the bytes and the rows; they are free, so they are no cost."""
    table, other = "demo-project.sales.orders", "demo-project.sales.archive"
    client.load_table_from_uri("gs://bucket/orders.csv", table).result()
    client.copy_table(table, other).result()
    client.extract_table(table, "gs://bucket/out.csv").result()
    names = ("operation_type", "dataset", "table", "bytes_processed", "rows_affected")
    assert [
        tuple(event.fields.get(name) for name in names) for event in heard.of_kind("bigquery_operation")
    ] == [
        ("load", "sales", "orders", 1048576, 9000),
        ("copy", "sales", "archive", 2097152, 9000),
        ("extract", "sales", "orders", 2097152, None),
    ]
    assert not heard.of_kind("cost")


def test_a_dry_run_is_not_recorded(client: Any, heard: RecordingSink) -> None:
    """It does nothing, and costs nothing; by whichever configuration it is one."""
    dry = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
    assert client.query("SELECT 1", dry).total_bytes_processed == 2 * TIB
    client.query_and_wait("SELECT 1", job_config=dry)
    client.default_query_job_config = dry
    assert client.query("SELECT 1").result().total_rows == 0
    client.query_and_wait("SELECT 1")
    assert not heard.events
    real = bigquery.QueryJobConfig(dry_run=False)
    client.query("SELECT 1 -- select", real).result()
    told(heard)


# Errors


def test_a_refused_query_is_recorded_and_its_error_is_the_same(client: Any, heard: RecordingSink) -> None:
    """Before there is a job there is no cost; the exception is the client's own."""
    for send in (client.query, client.query_and_wait):
        heard.events.clear()
        with pytest.raises(BadRequest, match="Syntax error") as raised:
            send("SELECT -- refused")
        assert type(raised.value) is BadRequest
        (query,) = heard.of_kind("query")
        assert (query.status, query.level, query.fields["sql"]) == ("failed", "error", "SELECT -- refused")
        assert "Syntax error" in str(query.error)
        assert not heard.of_kind("cost")


def test_a_failed_query_is_recorded_and_its_error_is_the_same(
    fake: FakeBigQuery, client: Any, heard: RecordingSink
) -> None:
    """To the letter what the client raises without us."""
    raised = []
    for each in (fake.client(), client):
        with pytest.raises(BadRequest) as caught:
            each.query("SELECT 1 -- failed", job_id="same", job_retry=None).result()
        raised.append(caught.value)
    assert str(raised[0]) == str(raised[1])
    assert raised[1].errors == raised[0].errors
    query, _ = told(heard)
    assert (query.status, query.level, query.fields["error_type"]) == ("failed", "error", "invalidQuery")
    assert query.duration_ms == 820


def test_a_refused_load_is_recorded(heard: RecordingSink) -> None:
    """As an operation that failed."""
    with FakeBigQuery(lambda _: {"refused": (404, "notFound", "no such dataset")}) as fake:
        client = observe_bigquery(fake.client())
        with pytest.raises(NotFound):
            client.load_table_from_uri("gs://bucket/orders.csv", "demo-project.sales.orders", retry=None)
    (event,) = heard.of_kind("bigquery_operation")
    assert (event.status, event.fields["operation_type"]) == ("failed", "load")


def test_nothing_of_ours_reaches_the_caller(
    client: Any, heard: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the record of a job cannot be made, the rows come all the same."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("odibi_core.costs.bigquery.watch.query_fields", broken)
    assert len(list(client.query("SELECT 1 -- select").result())) == 3
    assert len(list(client.query_and_wait("SELECT 1 -- select"))) == 3
    with pytest.raises(GoogleAPICallError):
        client.query("SELECT 1 -- failed").result()
    assert not heard.events


@pytest.mark.parametrize("make", [Mock, MagicMock])
def test_a_client_that_is_a_stand_in_gives_what_it_gives(make: type[Mock], heard: RecordingSink) -> None:
    """Users test with such: there is nothing to record, and nothing goes wrong."""
    stand_in = make()
    client = observe_bigquery(stand_in)
    with LogContext(operation="report"):
        assert client.query("SELECT 1") is stand_in.query.return_value
        assert client.query_and_wait("SELECT 1") is stand_in.query_and_wait.return_value
        assert client.load_table_from_uri("gs://b/o.csv", "t") is stand_in.load_table_from_uri.return_value
    assert stand_in.query.call_args.args[1].labels["odibi_operation"] == "report"
    assert client.settle() == 0


# Where it is recorded, and what the job carries


def test_a_job_belongs_to_the_run_that_sent_it(client: Any, fake: FakeBigQuery) -> None:
    """Its events stand in that run's record, also if another thread waits for it; its labels lead back to the run."""
    with observe("nightly") as run:
        with LogContext(operation="Daily Report", correlation_id="C-1"):
            job = client.query("SELECT 1 -- select", bigquery.QueryJobConfig(labels={"team": "sales"}))
        list(STATE.singleton(_Elsewhere).wait(job))
    assert run.store is not None
    cost = next(event for event in run.store.events(run.run_id) if event.event_type == "cost")
    assert (cost.run_id, cost.operation, cost.correlation_id) == (run.run_id, "Daily Report", "C-1")
    assert job.labels == {
        "team": "sales",
        "odibi_run_id": run.run_id.lower(),
        "odibi_operation": "daily_report",
        "odibi_correlation_id": "c-1",
    }


class _Elsewhere:
    """Waits in another thread, which knows of no run."""

    def wait(self, job: Any) -> Any:
        from threading import Thread

        rows: list[Any] = []
        thread = Thread(target=lambda: rows.extend(job.result()))
        thread.start()
        thread.join(30)
        return rows


def test_labels_are_ours_last_and_can_be_left_off(fake: FakeBigQuery, heard: RecordingSink) -> None:
    """The user's own stay, or those of the client's defaults; the configuration that was given is not touched."""
    google = fake.client(default_query_job_config=bigquery.QueryJobConfig(labels={"env": "prod"}))
    given = bigquery.QueryJobConfig(labels={"odibi_operation": "mine"})
    before = copy.deepcopy(given.to_api_repr())
    with LogContext(operation="report", correlation_id="c-1"):
        observe_bigquery(google).query("SELECT 1 -- small")
        observe_bigquery(google, operation="x").query("SELECT 1 -- small", given)
        observe_bigquery(google, labels=False).query("SELECT 1 -- small")
        crowded = bigquery.QueryJobConfig(labels={f"l{n}": "" for n in range(63)})
        observe_bigquery(google).query("SELECT 1 -- small", crowded)
    observe_bigquery(google).query("SELECT 1 -- small")
    assert given.to_api_repr() == before
    labels = [configuration["labels"] for configuration in posted(fake)]
    assert labels[:3] == [
        {"env": "prod", "odibi_correlation_id": "c-1", "odibi_operation": "report"},
        {"odibi_correlation_id": "c-1", "odibi_operation": "mine"},
        {"env": "prod"},
    ]
    assert len(labels[3]) == 64
    assert labels[4] == {"env": "prod"}


@pytest.mark.parametrize(
    ("given", "label"),
    [("Nightly Run: 2026", "nightly_run__2026"), ("ÜBER/../x", "_ber____x"), ("a-b_c1", "a-b_c1"), (5, "5")],
)
def test_a_label_has_only_what_bigquery_takes(given: Any, label: str) -> None:
    """Lower-case letters, digits, `_` and `-`."""
    assert as_label(given) == label


def test_long_labels_stay_different() -> None:
    """At most 63 characters, the last of which distinguish two long texts; a secret is hidden."""
    first, second = as_label("x" * 100 + "1"), as_label("x" * 100 + "2")
    assert len(first) == len(second) == 63
    assert first != second
    assert "ada" not in as_label("ada@example.com")


def test_operation_and_tags_stand_in_every_event(fake: FakeBigQuery, heard: RecordingSink) -> None:
    """Those of the client, where it was given some."""
    client = observe_bigquery(fake.client(), operation="report", tags={"team": "sales"})
    client.query("SELECT 1 -- select").result()
    client.load_table_from_uri("gs://b/o.csv", "demo-project.sales.orders").result()
    assert heard.kinds == ["query", "cost", "bigquery_operation"]
    assert {event.operation for event in heard.events} == {"report"}
    assert all(event.fields["tags"] == {"team": "sales"} for event in heard.events)


# It stays a client


def test_it_is_a_client_in_all_else(fake: FakeBigQuery) -> None:
    """Attributes, types, assignments; its jobs are what they were, and the client that was given stays as it was."""
    google = fake.client()
    client = observe_bigquery(google)
    assert isinstance(client, bigquery.Client)
    assert (client.project, client.location) == ("demo-project", google.location)
    client.default_query_job_config = bigquery.QueryJobConfig(maximum_bytes_billed=5)
    assert google.default_query_job_config.maximum_bytes_billed == 5
    with pytest.raises(AttributeError):
        _ = client.no_such_thing
    job = client.query("SELECT 1 -- select")
    assert isinstance(job, bigquery.QueryJob)
    assert repr(job).startswith("QueryJob<")
    assert type(google.query("SELECT 1 -- select")) is bigquery.QueryJob
    with pytest.raises(TypeError, match="job_config"):
        client.query("SELECT 1", {"labels": {}})
    with pytest.raises(ConfigurationError, match="observed already"):
        observe_bigquery(client)


# Estimates and limits


def test_an_estimate_is_a_dry_run_with_a_price(client: Any, fake: FakeBigQuery, heard: RecordingSink) -> None:
    """Bytes, dollars, the price and the tables; nothing is run, nothing recorded."""
    estimate = client.estimate("SELECT * FROM sales.orders")
    assert (estimate.bytes_processed, estimate.bytes_billed, estimate.usd) == (2 * TIB, 2 * TIB, 12.5)
    assert estimate.tables == ["demo-project.sales.orders", "demo-project.sales.customers"]
    assert (estimate.price.usd, estimate.price.valid_from) == (Decimal("6.25"), date(2023, 7, 5))
    assert str(estimate) == "12.50 USD: 2,048.00 GiB billed at 6.25 USD per TiB"
    assert estimate_bigquery(fake.client(), "SELECT 1", prices=5) == Estimate(
        **{
            name: getattr(estimate, name)
            for name in ("bytes_processed", "bytes_billed", "tables", "statement_type")
        },
        usd=10.0,
        price=as_prices(5).per_tib("US", date.max)[0],
    )
    (first, *_) = posted(fake)
    assert first["dryRun"] is True
    assert first["query"]["useQueryCache"] is False
    assert not heard.events


@pytest.mark.parametrize(
    ("processed", "tables", "billed"),
    [
        (0, 1, 0),
        (1, 0, MINIMUM_BYTES),
        (1, 1, MINIMUM_BYTES),
        (1, 3, 3 * MINIMUM_BYTES),
        (MINIMUM_BYTES + 1, 1, MINIMUM_BYTES + 2**20),
        (TIB, 2, TIB),
    ],
)
def test_billed_bytes_have_a_floor_and_are_whole_mebibytes(processed: int, tables: int, billed: int) -> None:
    """10 MiB for a query that reads, and for each of its tables; what reads nothing is free."""
    assert billable(processed, tables) == billed


def test_a_query_over_the_limit_is_not_run(fake: FakeBigQuery, heard: RecordingSink) -> None:
    """The error names the estimate and the limit; the refusal is recorded; BigQuery saw only the dry run."""
    client = observe_bigquery(fake.client(), max_usd=12.49)
    for send in (client.query, client.query_and_wait):
        with pytest.raises(CostLimitError, match=r"would cost 12\.50 USD.*may cost 12\.49 USD") as raised:
            send("SELECT 1 -- select")
        assert raised.value.estimate.usd == 12.5
        assert raised.value.max_usd == 12.49
    assert all(configuration["dryRun"] for configuration in posted(fake) if "dryRun" in configuration)
    assert not fake.jobs
    assert [(event.status, event.level) for event in heard.of_kind("query")] == [("failed", "warning")] * 2
    assert not heard.of_kind("cost")


def test_a_query_within_the_limit_runs_and_bigquery_knows_the_limit(fake: FakeBigQuery) -> None:
    """The bytes that the limit buys are sent as maximum_bytes_billed, since a dry run cannot know everything."""
    observe_bigquery(fake.client(), max_usd=12.5).query("SELECT 1 -- select").result()
    assert [configuration["query"].get("maximumBytesBilled") for configuration in posted(fake)] == [
        None,
        str(2 * TIB),
    ]


def test_the_smallest_limit_in_bytes_is_the_one_that_bigquery_is_given(fake: FakeBigQuery) -> None:
    """The limit of `observe_bigquery`, of the configuration, or of the client's defaults."""
    google = fake.client(default_query_job_config=bigquery.QueryJobConfig(maximum_bytes_billed=500))
    for ours, given in ((100, 1000), (1000, 100), (1000, None), (None, None)):
        config = bigquery.QueryJobConfig(maximum_bytes_billed=given) if given else None
        observe_bigquery(google, maximum_bytes_billed=ours).query("SELECT 1 -- small", config)
    limits = [configuration["query"].get("maximumBytesBilled") for configuration in posted(fake)]
    assert limits == ["100", "100", "500", "500"]


def test_where_no_price_is_known_a_limit_in_dollars_holds(fake: FakeBigQuery) -> None:
    """It fails closed."""
    client = observe_bigquery(fake.client(), max_usd=1, prices=Prices(on_demand=()))
    with pytest.raises(CostLimitError, match="its price is not known"):
        client.query("SELECT 1 -- select")


def test_a_script_s_estimate_says_that_it_is_none(heard: RecordingSink) -> None:
    """A dry run knows nothing of what its statements will read."""
    with FakeBigQuery(lambda _: resource("script")) as fake:
        assert "script" in str(estimate_bigquery(fake.client(), "BEGIN … END").note)


# Prices


@pytest.mark.parametrize(
    ("region", "day", "usd", "noted"),
    [
        ("US", date(2023, 7, 4), "5.00", False),
        ("US", date(2023, 7, 5), "6.25", False),
        ("us", date(2026, 1, 1), "6.25", False),
        ("EU", date(2026, 1, 1), "6.25", False),
        (None, date(2026, 1, 1), "6.25", False),
        ("mars-north1", date(2026, 1, 1), "6.25", True),
        ("US", date(2000, 1, 1), "5.00", False),
    ],
)
def test_the_price_of_a_place_on_a_day(region: str | None, day: date, usd: str, noted: bool) -> None:
    """By the table; where it has no such place, that of the US, and a remark."""
    price, note = Prices().per_tib(region, day)
    assert price is not None
    assert price.usd == Decimal(usd)
    assert (note is not None) is noted


def test_prices_of_your_own_go_first(
    fake: FakeBigQuery, heard: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By argument, by setting, or by a table with your rows and your edition."""
    monkeypatch.setenv("ODIBI_COST__USD_PER_TIB", "4")
    set_config(None)
    google = fake.client()
    own = Prices(
        on_demand=(Price("US", date(2020, 1, 1), Decimal("1.5"), source="contract"),),
        usd_per_slot_hour=Decimal("0.5"),
    )
    for prices in (None, 3, own):
        observe_bigquery(google, prices=prices).query("SELECT 1 -- select").result()
    observe_bigquery(google, prices=own).query("SELECT 1 -- reserved").result()
    costs = heard.of_kind("cost")
    assert [cost.fields["estimated_cost_usd"] for cost in costs] == [8, 6, 3, 1]
    assert costs[0].fields["price"]["source"] == "yours"
    assert costs[2].fields["price"]["source"] == "contract"


@pytest.mark.parametrize(
    ("prices", "usd", "note"),
    [
        (Prices(), 0, "the edition of the reservation is not known"),
        (Prices(edition="Enterprise Plus"), 0.2, ""),
        (Prices(edition="Gold"), 0, "no price is known for the edition GOLD"),
    ],
)
def test_slot_time_needs_an_edition(heard: RecordingSink, prices: Prices, usd: float, note: str) -> None:
    """If the job does not name it, the prices do; else the cost is 0, with a note."""

    def of_no_edition(_: dict[str, Any]) -> dict[str, Any]:
        found = resource("reserved")
        del found["statistics"]["edition"]
        return found

    with FakeBigQuery(of_no_edition) as fake:
        observe_bigquery(fake.client(), prices=prices).query("SELECT 1").result()
    fields = told(heard)[1].fields
    assert fields["estimated_cost_usd"] == usd
    assert note in fields.get("cost_note", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"prices": -1},
        {"prices": float("nan")},
        {"prices": "cheap"},
        {"max_usd": 0},
        {"max_usd": "5"},
        {"max_usd": float("nan")},
        {"maximum_bytes_billed": -5},
        {"maximum_bytes_billed": True},
        {"maximum_bytes_billed": float("inf")},
        {"max_usd": float("inf")},
    ],
)
def test_what_cannot_be_right_is_told_when_the_client_is_made(
    fake: FakeBigQuery, wrong: dict[str, Any]
) -> None:
    """With its name."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        observe_bigquery(fake.client(), **wrong)


@pytest.mark.parametrize("client", [None, 5, "client", object()])
def test_what_is_no_client_is_told_when_it_is_to_be_observed(client: object) -> None:
    """And not at the first query."""
    with pytest.raises(ConfigurationError, match=r"bigquery\.Client"):
        observe_bigquery(client)


def test_what_is_no_client_is_refused() -> None:
    """Before anything is asked of it."""
    with pytest.raises(ConfigurationError, match=r"client must be a google\.cloud\.bigquery\.Client.*got a NoneType"):
        estimate_bigquery(None, "SELECT 1")
