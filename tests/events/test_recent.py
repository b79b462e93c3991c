"""A dict that remembers only the last so many names."""

from odibi_core.events.recent import remember


def test_the_oldest_goes_first() -> None:
    """A value that is put again counts as new."""
    kept: dict[str, int] = {}
    for value, name in enumerate("abcad"):
        remember(kept, name, value, 3)
    assert kept == {"c": 2, "a": 3, "d": 4}
