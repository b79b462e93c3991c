"""What the command writes: answers on stdout, everything else on stderr; neat on a terminal, plain in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from odibi_core.events import sanitize_text, to_plain
from odibi_core.views import wording

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

_UNBOUNDED: Final = 100_000
"""The width of what is no terminal: nothing is wrapped or cut there."""
_PATIENCE_S: Final = 1.0
STYLES: Final = {
    "success": "green", "failed": "red", "skipped": "yellow", "running": "cyan", "pending": "dim",
    "cancelled": "yellow", "lost": "magenta", "debug": "dim", "info": "", "warning": "yellow", "error": "red",
    "critical": "bold red",
}  # fmt: skip
_SIGNS: Final = {
    "success": ("✓", "+"), "failed": ("✗", "x"), "skipped": ("↷", "-"), "running": ("▸", ">"), "pending": ("·", "."),
    "cancelled": ("■", "#"), "lost": ("†", "?"), "warning": ("!", "!"),
    "unknown": ("?", "?"),
}  # fmt: skip


def console(stream: TextIO | None = None) -> Console:
    """A console on stdout, or on `stream`, that takes text as text: no markup, no emoji names, no guessed colours."""
    from rich.console import Console

    file = stream or sys.stdout
    width = None if file.isatty() else _UNBOUNDED
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def sign(state: str, on: Console) -> str:
    """One character for a state, in what the terminal can show."""
    fancy, plain_sign = _SIGNS.get(state, _SIGNS["pending"])
    return fancy if is_unicode(on) else plain_sign


def is_unicode(on: Console) -> bool:
    """Whether the terminal's encoding has every sign."""
    return on.encoding.lower().startswith("utf")


def joined(parts: Iterable[str], on: Console) -> str:
    """Short facts side by side."""
    return (" · " if is_unicode(on) else ", ").join(parts)


def shown(value: object) -> str:
    """A text as it may be shown: what a terminal would obey, or a reader could not see, is written as an escape."""
    text = value if isinstance(value, str) else str(value)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def for_stdout(text: str) -> str:
    """Return a text for stdout: exact in a pipe or a file; on a terminal, what it would obey is an escape of JSON."""
    if not sys.stdout.isatty() or all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def _escape(char: str) -> str:
    """Return the JSON escape of a character."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def styled(value: object, style: str = "") -> Text:
    """A text for a console, as data."""
    from rich.text import Text

    return Text(shown(value), style=style)


def cell(value: object, style: str = "") -> Text:
    """A text for a column that is cut, and not wrapped, when a terminal is too narrow."""
    text = styled(value, style)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def table(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """A calm table: columns two apart and no frame. Where it is too wide, figures (`right`) and `whole` columns are
    the last to be cut.
    """
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
    for name in columns:
        justify: JustifyMethod = "right" if name in right else "left"
        made.add_column(cell(name), justify=justify, no_wrap=name in (*right, *whole), overflow="fold")
    return made


def write(on: Console, *items: RenderableType) -> None:
    """Print; in a pipe without the blanks that pad a table's last column."""
    if on.file.isatty():
        on.print(*items, sep="\n")
        return
    with on.capture() as captured:
        on.print(*items, sep="\n")
    on.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def write_json(value: object) -> None:
    """One document on stdout."""
    sys.stdout.write(for_stdout(f"{msgspec.json.format(as_json(value)).decode()}\n"))


def write_json_lines(values: Iterable[object]) -> None:
    """One document a line on stdout."""
    for value in values:
        sys.stdout.write(for_stdout(f"{as_json(value).decode()}\n"))


def nothing(what: str, root: object, asked: object, otherwise: str = "") -> None:
    """The notice that a record has none of it: for what was `asked`, or, where nothing was, what `otherwise` says."""
    notice(f"no {what} is recorded in {root}{' for what was asked' if asked else otherwise}")


def as_json(value: object) -> bytes:
    """Valid JSON of anything; what JSON has no word for becomes a text."""
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return msgspec.json.encode(to_plain(value))


def notice(text: object) -> None:
    """A line on stderr for whoever looks on."""
    write(on := console(sys.stderr), styled(text, "dim" if on.file.isatty() else ""))


def complain(text: str) -> None:
    """What went wrong, on stderr: one line, or one a problem; without the secrets that an exception's text may hold."""
    first, *others = sanitize_text(text).splitlines() or [""]
    on = console(sys.stderr)
    from rich.text import Text

    write(
        on,
        Text.assemble(("error: ", "bold red"), shown(first)),
        *(styled(f"       {line}") for line in others),
    )


def aside() -> redirect_stdout[TextIO]:
    """For while code of the user's runs: what it prints goes to stderr, so that stdout has the answer alone."""
    return redirect_stdout(sys.stderr)


@contextmanager
def waiting(for_what: str) -> Iterator[Callable[[], None]]:
    """Show a spinner on the terminal if it takes longer than a second; calling the value of the block ends it early."""
    on = console(sys.stderr)
    if not is_live(on):
        yield lambda: None
        return
    status, lock, over = on.status(styled(for_what, "dim")), Lock(), False

    def begin() -> None:
        with lock:
            if not over:
                status.start()

    def end() -> None:
        nonlocal over
        timer.cancel()
        with lock:
            over = True
        status.stop()

    timer = Timer(_PATIENCE_S, begin)
    timer.daemon = True
    timer.start()
    try:
        yield end
    finally:
        end()


def is_live(on: Console) -> bool:
    """Whether something may move there: a real terminal, and not a dumb one."""
    return on.file.isatty() and not on.is_dumb_terminal


def duration(ms: float | None) -> str:
    """Return a duration; nothing if it is not known."""
    return wording.duration(ms if isinstance(ms, int | float) else None, unknown="")


def count(number: Any, of: str = "") -> str:
    """`1,234 rows`; nothing for what is not known."""
    if not isinstance(number, int):
        return ""
    return f"{number:,} {of if number != 1 else of.removesuffix('s')}".rstrip()
