"""The ids of runs."""

from datetime import UTC, datetime
from uuid import UUID

from odibi_core.openlineage.ids import run_uuid

START = datetime(2026, 1, 31, 4, 0, 0, 123_000, UTC)


def test_an_id_is_a_uuid_of_version_7_with_the_time_of_its_start() -> None:
    """Its first 48 bits are the milliseconds, so that ids sort as runs do."""
    made = UUID(run_uuid(START, "a run", "a step", None))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(START.timestamp() * 1_000)


def test_an_id_follows_from_its_parts() -> None:
    """Equal parts have equal ids; no two parts run together."""
    assert run_uuid(START, "run", "step") == run_uuid(START, "run", "step")
    assert len({run_uuid(START, *parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", None))}) == 4
