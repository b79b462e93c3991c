"""The normal form of compiled code: what runs, without lines, comments, docstrings and the folder of the file.

The compiled code is what the process runs, also if its file was edited after the import.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType
from typing import Any, Final, NamedTuple

from odibi_core.engines.digests import Digest

_SKIPPED: Final = frozenset({"NOP", "CACHE", "EXTENDED_ARG"})
_JUMPS: Final = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_CONSTANTS: Final = frozenset(dis.hasconst)
_OF_SOURCE: Final = frozenset({"__doc__", "__firstlineno__"})
"""Names that the body of a class stores and that its source's lines and comments decide."""
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})


class Use(NamedTuple):
    """A use of a name that is not local: `kind` is `name`, `attribute`, `import` or `assigned`.

    `chain` has the attributes that are read of it at once; for an import `level` has its dots.
    """

    kind: str
    name: str
    chain: tuple[str, ...] = ()
    level: int = 0


def normal_form(code: CodeType) -> str:
    """Return the digest of the normal form of code, the code inside it included."""
    digest = Digest()
    arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    digest.value((
        code.co_name, code.co_flags, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_varnames[:arguments], code.co_freevars,
    ))  # fmt: skip
    kept = _instructions(code)
    places = {instruction.offset: place for place, instruction in enumerate(kept)}
    offsets = sorted(places)
    for instruction in kept:
        digest.bytes(instruction.opname)
        if instruction.opcode in _JUMPS:
            digest.bytes(str(_place_of(instruction.argval, offsets, places)))
        elif instruction.opcode in _CONSTANTS:
            _constant(_value(instruction, code), digest)
        else:
            digest.bytes(instruction.argrepr or str(instruction.arg))
    for entry in getattr(dis.Bytecode(code), "exception_entries", ()):
        ends = (_place_of(offset, offsets, places) for offset in (entry.start, entry.end, entry.target))
        digest.value((*ends, entry.depth, entry.lasti))
    return digest.hex()


def _instructions(code: CodeType) -> list[dis.Instruction]:
    found: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in _SKIPPED:
            continue
        if instruction.opname == "STORE_NAME" and instruction.argval in _OF_SOURCE and found:
            found.pop()  # the constant that it stores
            continue
        found.append(instruction)
    return found


def _place_of(offset: int, offsets: list[int], places: dict[int, int]) -> int:
    """Return the number of the first kept instruction from an offset on."""
    return next((places[each] for each in offsets if each >= offset), len(places))


def _value(instruction: dis.Instruction, code: CodeType) -> Any:
    """Return the constant of an instruction; `dis` of Python 3.11 knows it for LOAD_CONST alone."""
    if type(instruction.argval).__name__ != "_Unknown" or instruction.arg is None:
        return instruction.argval
    return code.co_consts[instruction.arg]


def _constant(value: Any, digest: Digest) -> None:
    if isinstance(value, CodeType):
        digest.bytes("code", normal_form(value))
    elif type(value) is tuple:
        digest.bytes("tuple", str(len(value)))
        for each in value:
            _constant(each, digest)
    else:
        digest.value(value)


def uses(code: CodeType) -> Iterator[Use]:
    """Yield the uses of names in code that are not its own, the code inside it included."""
    kept, end = _instructions(code), 0
    for place, instruction in enumerate(kept):
        name = instruction.opname
        if name in _GLOBALS:
            chain = tuple(_attributes_after(kept, place))
            end = place + len(chain)
            yield Use("name", instruction.argval, chain)
        elif name in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield Use("assigned", instruction.argval)
        elif name in _ATTRIBUTES and place > end:
            yield Use("attribute", instruction.argval)
        elif name == "IMPORT_NAME":
            yield from _imports(kept, place)
        elif instruction.opcode in _CONSTANTS and isinstance(instruction.argval, CodeType):
            yield from uses(instruction.argval)


def texts(code: CodeType) -> Iterator[str]:
    """Yield the constant texts of code."""
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from texts(constant)


def _attributes_after(kept: list[dis.Instruction], place: int) -> Iterator[str]:
    for instruction in kept[place + 1 :]:
        if instruction.opname not in _ATTRIBUTES:
            return
        yield instruction.argval


def _imports(kept: list[dis.Instruction], place: int) -> Iterator[Use]:
    """Yield a module that is imported in a body, or each name from it."""
    level = kept[place - 2].argval if place >= 2 and isinstance(kept[place - 2].argval, int) else 0
    module, names = kept[place].argval, []
    for instruction in kept[place + 1 :]:
        if instruction.opname == "IMPORT_FROM":
            names.append(instruction.argval)
        elif not instruction.opname.startswith(("STORE_", "POP_TOP", "SWAP")):
            break
    for name in names or [None]:
        yield Use("import", module, () if name is None else (name,), level)
