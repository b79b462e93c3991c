"""Fingerprints of frames: equal for equal content, and different for each difference that code can see.

Buffers are hashed, not rows. Chunks, slices and the bytes under missing values do not matter; types, names, order,
missing values, the payload of each NaN, time zones, categories and the index do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from odibi_core.engines.digests import Digest, NotDigestibleError, digest_of

_FRAMES: Final = {("pandas", "DataFrame"): "pandas", ("polars", "DataFrame"): "polars", ("pyarrow", "Table"): "arrow"}


def fingerprint(value: Any, *, nan_bits: bool = True) -> str:
    """Return the fingerprint of a frame, or of a plain value such as rows as dicts.

    Args:
        value: The frame or the value.
        nan_bits: False if all NaN of pandas are equal, as they are after a way through Arrow.

    Raises:
        NotDigestibleError: It has none: it is lazy, or holds objects of unknown types.
    """
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    form = _FRAMES.get((library, kind.__name__))
    try:
        if form is None:
            if library in ("pandas", "polars", "pyarrow", "duckdb", "_duckdb"):
                raise NotDigestibleError(
                    f"a {library}.{kind.__name__} has no fingerprint, because it is no plain frame"
                )
            return digest_of(value)
        digest = Digest(nan_bits=nan_bits).bytes(form)
        _BY_FORM[form](value, digest)
        return digest.hex()
    except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
        raise NotDigestibleError(f"a {library}.{kind.__name__} has no fingerprint: {error}") from error


def _arrow(table: Any, digest: Digest) -> None:
    metadata = sorted((table.schema.metadata or {}).items())
    digest.bytes(str(table.num_rows), *(each for pair in metadata for each in pair))
    for field, column in zip(table.schema, table.columns, strict=True):
        own = sorted((field.metadata or {}).items())
        digest.bytes(field.name, str(field.type), str(field.nullable), *(each for pair in own for each in pair))
        digest.bytes(of_chunks(column.chunks, field.type))


def _polars(frame: Any, digest: Digest) -> None:
    import polars

    if any(dtype.is_nested() is False and dtype == polars.Object for dtype in frame.dtypes):
        raise NotDigestibleError("a polars.DataFrame with a column of objects has no fingerprint")
    table = frame.to_arrow(compat_level=polars.CompatLevel.oldest())
    digest.bytes(str(frame.height))
    for (name, dtype), column in zip(frame.schema.items(), table.columns, strict=True):
        digest.bytes(name, repr(dtype))
        if isinstance(dtype, polars.Enum):
            digest.bytes(*dtype.categories.to_list())
        # Dictionaries are left out: that of a Categorical depends on what the process has seen before.
        digest.bytes(of_chunks(column.chunks, column.type, dictionaries=False))


def _pandas(frame: Any, digest: Digest) -> None:
    digest.bytes(str(len(frame)), str(frame.flags.allows_duplicate_labels)).value(frame.attrs)
    _index(frame.columns, digest)
    _index(frame.index, digest)
    for place in range(frame.shape[1]):
        _values(frame.iloc[:, place].array, digest)


def _index(index: Any, digest: Digest) -> None:
    kind = type(index).__name__
    digest.bytes("index", kind, str(len(index))).value(list(index.names))
    if kind == "RangeIndex":
        digest.bytes(repr((index.start, index.stop, index.step)))
    elif kind == "MultiIndex":
        for level in range(index.nlevels):
            _index(index.get_level_values(level), digest)
    else:
        digest.bytes(str(getattr(index, "freqstr", None)))
        _values(index.array, digest)


def _values(array: Any, digest: Digest) -> None:
    """Add the values of a pandas array, by the buffers that hold them."""
    import numpy

    dtype, kind = array.dtype, type(array).__name__
    digest.bytes(kind, type(dtype).__name__, repr(dtype))
    if kind == "Categorical":
        digest.bytes(str(array.ordered), numpy.ascontiguousarray(array.codes))
        _index(array.categories, digest)
    elif kind == "IntervalArray":
        _values(array.left.array, digest)
        _values(array.right.array, digest)
    elif kind in ("DatetimeArray", "TimedeltaArray", "PeriodArray"):
        digest.bytes(numpy.ascontiguousarray(array.asi8))
    elif kind in ("NumpyExtensionArray", "PandasArray"):
        values = array.to_numpy()
        if dtype.kind == "O":
            _objects(values, digest)
        else:
            if dtype.kind == "f" and not digest.nan_bits:
                values = numpy.where(numpy.isnan(values), numpy.array(numpy.nan, values.dtype), values)
            digest.bytes(numpy.ascontiguousarray(values).view(numpy.uint8).reshape(-1))
    else:
        chunks, type_ = _as_arrow(array)
        digest.bytes(str(type_), of_chunks(chunks, type_))


def _as_arrow(array: Any) -> tuple[list[Any], Any]:
    import pyarrow

    if not hasattr(array, "__arrow_array__"):
        raise NotDigestibleError(f"a column of type {array.dtype} has no form in Arrow")
    values = array.__arrow_array__()
    return (values.chunks if isinstance(values, pyarrow.ChunkedArray) else [values]), values.type


def _objects(values: Any, digest: Digest) -> None:
    """Add objects: texts alone as Arrow, which is fast, others one by one."""
    import pyarrow

    if set(map(type, values)) == {str}:
        try:
            texts = pyarrow.array(values, pyarrow.large_string())
        except (pyarrow.ArrowException, UnicodeError):  # a lone surrogate
            pass
        else:
            digest.bytes("texts", of_chunks([texts], texts.type))
            return
    digest.bytes("objects", str(len(values)))
    for each in values:
        digest.value(each.item() if _is_number(each) else each).bytes(type(each).__name__)


def _is_number(value: Any) -> bool:
    """Return whether a value is a number of numpy, whose Python number is exact."""
    return type(value).__module__ == "numpy" and hasattr(value, "item") and not hasattr(value, "__len__")


_BY_FORM: Final[dict[str, Callable[[Any, Digest], None]]] = {"arrow": _arrow, "polars": _polars, "pandas": _pandas}


def of_chunks(chunks: Iterable[Any], kind: Any, *, dictionaries: bool = True) -> str:
    """Return the digest of an Arrow array in chunks.

    The places of missing values are hashed apart from the values that are there, so bytes under the missing ones have
    no part in it.
    """
    return _Column(dictionaries).of(list(chunks), kind)


class _Column:
    """The digest of one column. Nested arrays are columns of their own."""

    def __init__(self, dictionaries: bool) -> None:
        self._dictionaries = dictionaries

    def of(self, chunks: list[Any], kind: Any) -> str:
        import numpy

        missing, rows, present = Digest(), 0, []
        for chunk in chunks:
            if chunk.null_count:
                places = numpy.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False)) + rows
                missing.stream(places.astype("<i8"))
                rows += len(chunk)
                chunk = chunk.drop_null()
            else:
                rows += len(chunk)
            present.append(chunk)
        whole = Digest().bytes(str(rows), missing.hex())
        self._present(present, kind, whole)
        return whole.hex()

    def _present(self, chunks: list[Any], kind: Any, whole: Digest) -> None:
        """Add values of which none is missing."""
        import pyarrow

        types = pyarrow.types
        if isinstance(kind, pyarrow.BaseExtensionType):
            whole.bytes(self.of([chunk.storage for chunk in chunks], kind.storage_type))
        elif types.is_null(kind):
            pass
        elif types.is_dictionary(kind):
            whole.bytes(self.of([chunk.dictionary_decode() for chunk in chunks], kind.value_type))
            if self._dictionaries:
                whole.bytes(*(self.of([chunk.dictionary], kind.value_type) for chunk in chunks))
        elif types.is_struct(kind):
            fields = [chunk.flatten() for chunk in chunks]
            for place in range(kind.num_fields):
                whole.bytes(self.of([each[place] for each in fields], kind.field(place).type))
        elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            self._lists(chunks, kind, whole)
        elif types.is_string_view(kind) or types.is_binary_view(kind):
            large = pyarrow.large_string() if types.is_string_view(kind) else pyarrow.large_binary()
            self._texts([chunk.cast(large) for chunk in chunks], "<i8", whole)
        elif types.is_large_string(kind) or types.is_large_binary(kind):
            self._texts(chunks, "<i8", whole)
        elif types.is_string(kind) or types.is_binary(kind):
            self._texts(chunks, "<i4", whole)
        else:
            self._fixed(chunks, kind, whole)

    def _lists(self, chunks: list[Any], kind: Any, whole: Digest) -> None:
        lengths = Digest()
        for chunk in chunks:
            lengths.stream(chunk.value_lengths().to_numpy(zero_copy_only=False).astype("<i8"))
        whole.bytes(lengths.hex(), self.of([chunk.flatten() for chunk in chunks], kind.value_type))

    def _texts(self, chunks: list[Any], offset: str, whole: Digest) -> None:
        import numpy

        lengths, data = Digest(), Digest()
        for chunk in chunks:
            if not len(chunk):
                continue
            _, offsets, values = chunk.buffers()
            ends = numpy.frombuffer(offsets, offset)[chunk.offset : chunk.offset + len(chunk) + 1]
            lengths.stream(numpy.diff(ends).astype("<i8", copy=False))
            if values is not None:
                data.stream(memoryview(values)[int(ends[0]) : int(ends[-1])])
        whole.bytes(lengths.hex(), data.hex())

    def _fixed(self, chunks: list[Any], kind: Any, whole: Digest) -> None:
        import pyarrow

        is_bool, data = pyarrow.types.is_boolean(kind), Digest()
        if not is_bool and (pyarrow.types.is_nested(kind) or pyarrow.types.is_run_end_encoded(kind)):
            raise NotDigestibleError(f"a column of the Arrow type {kind} has no fingerprint")
        for chunk in chunks:
            if not len(chunk):
                continue
            if is_bool:
                data.stream(chunk.to_numpy(zero_copy_only=False).view("u1"))
                continue
            width = kind.bit_width // 8
            start = chunk.offset * width
            data.stream(memoryview(chunk.buffers()[1])[start : start + len(chunk) * width])
        whole.bytes(data.hex())


def pandas_options() -> dict[str, str]:
    """Return the options of pandas that decide the types of its results, by the types that it gives to texts."""
    import pandas

    inferred, named = pandas.Series(["a"]).dtype, pandas.Series(["a"], dtype="string").dtype
    return {"options of pandas": f"{inferred!r} {named!r}"}
