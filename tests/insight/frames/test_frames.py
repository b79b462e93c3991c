"""Numbers of values are equal in all libraries and forms, and rows are matched in order or in any order."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from odibi_core.insight.frames.frame import frame_of
from odibi_core.insight.frames.matching import match_rows

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
    for share in (0.9, 0.01):
        kept = np.flatnonzero(random.random(len(main)) < share)
        assert np.array_equal(match_rows(main, main[kept], is_unique=True), kept)
        mixed = random.permutation(kept)
        assert np.array_equal(match_rows(main, main[mixed], is_unique=True), mixed)
    assert match_rows(main, np.array([main[7], 0], np.uint64), is_unique=True).tolist() == [7, -1]
