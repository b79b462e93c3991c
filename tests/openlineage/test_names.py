"""The names of datasets."""

import pytest

from odibi_core.openlineage.names import file_name, memory_name

ABFSS = "abfss://container@account.dfs.core.windows.net"


@pytest.mark.parametrize(
    ("uri", "table", "namespace", "name"),
    [
        ("/data/orders.csv", None, "file", "/data/orders.csv"),
        ("/data/a#b?c.csv", None, "file", "/data/a#b?c.csv"),
        ("file:///data/orders.csv", None, "file", "/data/orders.csv"),
        ("s3://bucket/raw/orders.parquet", None, "s3://bucket", "raw/orders.parquet"),
        ("s3a://bucket/raw", None, "s3://bucket", "raw"),
        ("s3://bucket", None, "s3://bucket", "/"),
        ("gcs://bucket/x", None, "gs://bucket", "x"),
        (f"{ABFSS}/a/b", None, ABFSS, "a/b"),
        ("https://user:word@host:8443/a.csv?token=1#x", None, "https://host:8443", "a.csv"),
        ("postgresql://db.example/shop", "orders", "postgres://db.example:5432", "shop.public.orders"),
        ("postgresql+psycopg://db:5433/shop", "sales.orders", "postgres://db:5433", "shop.sales.orders"),
        ("mysql://db/shop", "orders", "mysql://db:3306", "shop.orders"),
        ("postgresql://me:word@db/shop", None, "postgres://db:5432", "shop"),
        ("sqlite:////tmp/a.db", "orders", "sqlite:////tmp/a.db", "orders"),
        ("bigquery://project/sales", "orders", "bigquery", "project.sales.orders"),
        ("iceberg://shop.orders", None, "iceberg", "shop.orders"),
    ],
)  # fmt: skip
def test_a_dataset_is_named_by_the_rules(uri: str, table: str | None, namespace: str, name: str) -> None:
    """The namespace is the system, the name the place in it; credentials and queries are in neither."""
    assert file_name(uri, table) == (namespace, name)


def test_a_frame_is_named_after_its_pipeline_its_step_and_its_key() -> None:
    """Frames of two pipelines never share a name."""
    assert memory_name("shop", "clean", "orders") == ("inmemory://", "shop.clean.orders")
