"""Numbers of values are equal in all libraries and forms, and rows are matched in order or in any order."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from odibi_core.insight.frames import matching
from odibi_core.insight.frames.frame import frame_of
from odibi_core.insight.frames.matching import match_rows, places_in, repeated

TEXTS = ["", None, "a", "ab", "abcdefgh", "abcdefghi", "é" * 9, "x" * 128, "x" * 129, "y" * 1000, "a\0", "a"]


def test_equal_texts_have_equal_numbers_in_every_form_and_other_texts_other_ones() -> None:
    """Texts of any length, in chunks, as objects, categories and dictionaries; a missing one has 0."""
    forms = [
        pa.table({"t": pa.chunked_array([TEXTS[:5], TEXTS[5:]])}),
        pa.table({"t": pa.array(TEXTS).dictionary_encode()}), pa.table({"t": pa.array(TEXTS, pa.string_view())}),
        pa.table({"t": ["before", *TEXTS]}).slice(1), pl.DataFrame({"t": TEXTS}),
        pl.DataFrame({"t": pl.Series(TEXTS, dtype=pl.Categorical)}), pd.DataFrame({"t": TEXTS}),
        *(pd.DataFrame({"t": pd.Series(TEXTS, dtype=kind)}) for kind in ("object", "category", "string[python]")),
    ]  # fmt: skip
    found = []
    for form in forms:
        frame = frame_of(form)
        assert frame is not None
        frame.is_mixed = True
        found.append(frame.hashes("t").tolist())
    assert all(each == found[0] for each in found)
    by_text = dict(zip(TEXTS, found[0], strict=True))
    assert len(set(by_text.values())) == len(by_text)
    assert [text for text, number in by_text.items() if not number] == [None]


def test_rows_are_matched_in_order_and_in_any_other_order() -> None:
    """Each row of the output gets its row, over several blocks; one that is not there gets -1."""
    random = np.random.default_rng(3)
    main = random.integers(1, 2**63, 100_000).astype(np.uint64)
    none = np.zeros(0, np.uint64)
    for share in (0.9, 0.01):
        kept = np.flatnonzero(random.random(len(main)) < share)
        assert np.array_equal(match_rows(main, main[kept], none), kept)
        mixed = random.permutation(kept)
        assert np.array_equal(match_rows(main, main[mixed], none), mixed)
    assert match_rows(main, np.array([main[7], 0], np.uint64), none).tolist() == [7, -1]


def test_of_equal_rows_those_are_matched_that_keep_the_order() -> None:
    """The first or the last of equal rows if one choice keeps the order, each of them in turn if all of them stay."""
    random = np.random.default_rng(4)
    main = random.integers(1, 2**63, 70_000).astype(np.uint64)[random.integers(0, 70_000, 100_000)]
    several = repeated(main)
    _, first = np.unique(main, return_index=True)
    last = len(main) - 1 - np.unique(main[::-1], return_index=True)[1]
    some = np.flatnonzero(random.random(len(main)) < 0.5)
    assert np.array_equal(match_rows(main, main[np.sort(first)], several), np.sort(first))
    assert np.array_equal(match_rows(main, main[np.sort(last)], several), np.sort(last))
    assert np.array_equal(match_rows(main, main, several), np.arange(len(main)))
    assert np.array_equal(main[match_rows(main, main[some], several)], main[some])


def test_a_number_is_found_at_its_first_place_among_many_and_few_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """All ways agree with a dict: parts of many keys, keys that are looked for among few numbers, and no keys."""
    monkeypatch.setattr(matching, "_PART", 1_000)
    random = np.random.default_rng(5)
    for many, few in ((30_000, 20_000), (20_000, 100), (100, 20_000), (0, 5), (5, 0)):
        values = random.integers(1, 2**63, max(many, 1)).astype(np.uint64)
        keys = values[random.integers(0, max(many, 1), many)]
        wanted = np.resize(np.append(values[: few // 2], np.uint64(0)), few)
        first = dict(zip(keys[::-1].tolist(), range(many - 1, -1, -1), strict=True))
        assert places_in(keys, wanted).tolist() == [first.get(number, -1) for number in wanted.tolist()]
