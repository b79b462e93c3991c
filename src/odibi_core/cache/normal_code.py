"""The normal form of compiled code: what runs, without lines, comments, docstrings and the folder of the file.

The compiled code is what the process runs, also if its file was edited after the import. Code does not change while it
lives, so each is read once in a process.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator
from opcode import hasconst, hasfree, hasjrel, hasname, opmap, opname
from types import CodeType
from typing import Any, Final, NamedTuple

from odibi_core._state import STATE
from odibi_core.engines.digests import CodeDigest

_CACHE: Final = opmap.get("CACHE", 0)
_SKIPPED: Final = frozenset({_CACHE, opmap["NOP"]})
_EXTENDED: Final = opmap["EXTENDED_ARG"]
_CONSTANTS: Final = frozenset(hasconst) | {opmap["LOAD_CONST"], opmap.get("KW_NAMES", opmap["LOAD_CONST"])}
_NAMES: Final = frozenset(hasname)
_FREE: Final = frozenset(hasfree)
_JUMPS: Final = frozenset(hasjrel)
_PAIRS: Final = {
    opmap[name]: names
    for name, names in (
        ("LOAD_FAST_LOAD_FAST", ("LOAD_FAST", "LOAD_FAST")),
        ("STORE_FAST_LOAD_FAST", ("STORE_FAST", "LOAD_FAST")),
        ("STORE_FAST_STORE_FAST", ("STORE_FAST", "STORE_FAST")),
    )
    if name in opmap
}
"""Two operations in one, which Python 3.13 compiles only if both are on one line."""
_FLAGS_OF_NAMES: Final = {
    opmap.get(name, -1): bits
    for name, bits in (("LOAD_GLOBAL", 1), ("LOAD_ATTR", int(sys.version_info >= (3, 12))), ("LOAD_SUPER_ATTR", 2))
}
"""Operations whose argument has flags below the number of the name."""
_OF_SOURCE: Final = frozenset({"__doc__", "__firstlineno__"})
"""Names that the body of a class stores and that its source's lines and comments decide."""
_HAS_DOCSTRING: Final = 0x4000000
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_CLOSURE"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_MOST_KEPT: Final = 4_096


class Use(NamedTuple):
    """A use of a name that is not local: `kind` is `name`, `attribute`, `import` or `assigned`.

    `chain` has the attributes that are read of it at once; for an import `level` has its dots.
    """

    kind: str
    name: str
    chain: tuple[str, ...] = ()
    level: int = 0


class Form(NamedTuple):
    """The normal form of code, the code inside it included.

    Attributes:
        digest: Of all that runs.
        uses: The names that are not its own, each once.
        texts: Its constant texts.
    """

    digest: str
    uses: tuple[Use, ...]
    texts: tuple[str, ...]


class _Instruction(NamedTuple):
    operation: str
    value: Any
    """The name or the constant; else None."""
    argument: int


class _Forms:
    """Forms by the id of the code, which is kept alive."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[CodeType, Form]] = {}


_forms: Final = STATE.part(_Forms)


def form_of(code: CodeType) -> Form:
    """Return the normal form of code."""
    found = _forms.known.get(id(code))
    if found is None:
        if len(_forms.known) >= _MOST_KEPT:
            _forms.known.clear()
        found = _forms.known[id(code)] = code, _form(code)
    return found[1]


def _form(code: CodeType) -> Form:
    kept, handlers = _instructions(code)
    digest, constants = CodeDigest(), []
    traits = (
        code.co_name, code.co_flags & ~_HAS_DOCSTRING, code.co_argcount, code.co_posonlyargcount,
        code.co_kwonlyargcount, code.co_varnames, code.co_cellvars, code.co_freevars,
    )  # fmt: skip
    running = []
    for operation, value, argument in kept:
        if opmap[operation] in _CONSTANTS:
            running.append(operation)
            constants.append(value)
        else:
            running.append(f"{operation} {argument} {value!r}")
    digest.bytes(repr(traits), "\n".join(running), repr(handlers))
    for constant in constants:
        _constant(constant, digest)
    inner = [form_of(each) for each in code.co_consts if isinstance(each, CodeType)]
    uses = [*_uses(kept), *(use for form in inner for use in form.uses)]
    texts = [each for each in constants if isinstance(each, str)]
    texts += [each for form in inner for each in form.texts]
    return Form(digest.hex(), tuple(dict.fromkeys(uses)), tuple(texts))


def _instructions(code: CodeType) -> tuple[list[_Instruction], list[int]]:
    """Return what runs, and the table of its handlers of exceptions; places in both are numbers of instructions."""
    found: list[_Instruction] = []
    units: list[int] = []  # the place of each in the code, where skipped operations have places too
    content, more = code.co_code, 0
    for unit, (operation, low) in enumerate(zip(content[::2], content[1::2], strict=True)):
        if operation in _SKIPPED:
            continue
        argument = more | low
        if operation == _EXTENDED:
            more = argument << 8
            continue
        more = 0
        if operation in _JUMPS:
            argument = _target(content, unit, argument)
        made = _read(code, operation, argument)
        found += made
        units += [unit] * len(made)
        if made[0].value in _OF_SOURCE and made[0].operation == "STORE_NAME":
            del found[-2:], units[-2:]  # with the constant that it stores
    return [
        each._replace(argument=bisect_left(units, each.argument)) if opmap[each.operation] in _JUMPS else each
        for each in found
    ], _handlers(getattr(code, "co_exceptiontable", b""), units)


def _read(code: CodeType, operation: int, argument: int) -> list[_Instruction]:
    if operation in _PAIRS:
        first, second = _PAIRS[operation]
        return [_Instruction(first, None, argument >> 4), _Instruction(second, None, argument & 15)]
    value: Any = None
    if operation in _CONSTANTS:
        value = code.co_consts[argument]
    elif operation in _NAMES:
        bits = _FLAGS_OF_NAMES.get(operation, 0)
        value, argument = code.co_names[argument >> bits], argument & ((1 << bits) - 1)
    elif operation in _FREE:
        cells = (each for each in code.co_cellvars if each not in code.co_varnames)
        value = (*code.co_varnames, *cells, *code.co_freevars)[argument]
    return [_Instruction(opname[operation], value, argument)]


def _target(content: bytes, unit: int, distance: int) -> int:
    """Return the place to which an operation jumps; distances count from behind its caches."""
    after = unit + 1
    while content[2 * after : 2 * after + 1] == bytes([_CACHE]):
        after += 1
    return after - distance if "BACKWARD" in opname[content[2 * unit]] else after + distance


def _handlers(table: bytes, units: list[int]) -> list[int]:
    """Return the beginning, the end, the handler and the depth of each range: numbers of six bits a byte."""
    numbers: list[int] = []
    is_continued = False
    for byte in table:
        if is_continued:
            numbers[-1] = numbers[-1] << 6 | byte & 63
        else:
            numbers.append(byte & 63)
        is_continued = bool(byte & 64)
    found: list[int] = []
    for start, length, handler, depth in zip(*[iter(numbers)] * 4, strict=True):
        found += [*(bisect_left(units, each) for each in (start, start + length, handler)), depth]
    return found


def _constant(value: Any, digest: CodeDigest) -> None:
    if isinstance(value, CodeType):
        digest.bytes("code", form_of(value).digest)
    elif type(value) is tuple:
        digest.bytes("tuple", str(len(value)))
        for each in value:
            _constant(each, digest)
    else:
        digest.value(value)


def _uses(kept: list[_Instruction]) -> Iterator[Use]:
    end = 0
    for place, (name, value, _) in enumerate(kept):
        if name in _GLOBALS:
            chain = tuple(_attributes_after(kept, place))
            end = place + len(chain)
            yield Use("name", value, chain)
        elif name in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield Use("assigned", value)
        elif name in _ATTRIBUTES and place > end:
            yield Use("attribute", value)
        elif name == "IMPORT_NAME":
            yield from _imports(kept, place)


def _attributes_after(kept: list[_Instruction], place: int) -> Iterator[str]:
    for instruction in kept[place + 1 :]:
        if instruction.operation not in _ATTRIBUTES:
            return
        yield instruction.value


def _imports(kept: list[_Instruction], place: int) -> Iterator[Use]:
    """Yield a module that is imported in a body, or each name from it."""
    before = kept[place - 2] if place >= 2 else None
    level = 0 if before is None else _number(before)
    module, names = kept[place].value, []
    for instruction in kept[place + 1 :]:
        if instruction.operation == "IMPORT_FROM":
            names.append(instruction.value)
        elif not instruction.operation.startswith(("STORE_", "POP_TOP", "SWAP")):
            break
    for name in names or [None]:
        yield Use("import", module, () if name is None else (name,), level)


def _number(instruction: _Instruction) -> int:
    """Return the number that an instruction loads, such as the dots of an import; 0 if it loads another value."""
    if instruction.operation == "LOAD_SMALL_INT":
        return instruction.argument
    return instruction.value if isinstance(instruction.value, int) else 0
