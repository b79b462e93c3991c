"""The output of the command: answers on stdout, notices on stderr; styled on a terminal, plain in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, Final, TextIO

import msgspec

from odibi_core.errors import OdibiError
from odibi_core.events import to_plain
from odibi_core.events.inert import printable
from odibi_core.settings import environment_value
from odibi_core.views import wording

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

_UNBOUNDED: Final = 100_000
"""The width of a pipe or file, where nothing is wrapped or cut."""
_PATIENCE_S: Final = 1.0
_KERNEL: Final = "JPY_PARENT_PID"
"""A variable of the processes of a Jupyter kernel."""
STYLES: Final = {
    "success": "green", "failed": "red", "skipped": "yellow", "running": "cyan", "pending": "dim",
    "cancelled": "yellow", "lost": "magenta", "unknown": "magenta", "debug": "dim", "info": "", "warning": "yellow",
    "error": "red", "critical": "bold red", "unusual": "yellow",
}  # fmt: skip
_SIGNS: Final = {
    "success": ("✓", "+"), "failed": ("✗", "x"), "skipped": ("↷", "-"), "running": ("▸", ">"), "pending": ("·", "."),
    "cancelled": ("■", "#"), "lost": ("†", "?"), "warning": ("!", "!"),
    "unknown": ("?", "?"), "unusual": ("~", "~"),
}  # fmt: skip


def console(stream: TextIO | None = None) -> Console:
    """Return a console on stdout, or on `stream`, without markup, emoji names or highlighting."""
    from rich.console import Console

    file = stream or sys.stdout
    width = None if file.isatty() else _UNBOUNDED
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def sign(state: str, on: Console) -> str:
    """Return the character of a state, in ASCII if the encoding requires it."""
    fancy, plain_sign = _SIGNS.get(state, _SIGNS["pending"])
    return fancy if is_unicode(on) else plain_sign


def is_unicode(on: Console) -> bool:
    """Return whether the encoding of the console has every sign."""
    return on.encoding.lower().startswith("utf")


def joined(parts: Iterable[str], on: Console) -> str:
    """Return short texts with separators."""
    return (" · " if is_unicode(on) else ", ").join(parts)


def shown(value: object) -> str:
    """Return a text in which control and invisible characters are escapes."""
    return printable(value if isinstance(value, str) else str(value))


def for_stdout(text: str) -> str:
    """Return a text for stdout: exact in a pipe or a file, control characters as JSON escapes on a terminal."""
    if not sys.stdout.isatty() or all(line.isprintable() for line in text.split("\n")):
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def _escape(char: str) -> str:
    """Return the JSON escape of a character."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def styled(value: object, style: str = "") -> Text:
    """Return a text for a console, escaped."""
    from rich.text import Text

    return Text(shown(value), style=style)


def indented(value: object, style: str = "", by: int = 2) -> Padding:
    """Return a text whose lines all begin `by` columns to the right, the wrapped ones too."""
    from rich.padding import Padding

    return Padding(styled(value, style), (0, 0, 0, by), expand=False)


def cell(value: object, style: str = "") -> Text:
    """Return a text for a column that is cut, not wrapped, on a narrow terminal."""
    text = styled(value, style)
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def table(*columns: str, right: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """Return an empty table without a frame.

    Args:
        columns: The headers.
        right: The headers of figures, which are aligned right and never wrapped.
        whole: The headers of other columns that are never wrapped.
    """
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
    for name in columns:
        justify: JustifyMethod = "right" if name in right else "left"
        made.add_column(cell(name), justify=justify, no_wrap=name in (*right, *whole), overflow="fold")
    return made


def write(on: Console, *items: RenderableType) -> None:
    """Print items; in a pipe, without the trailing blanks of a table."""
    if on.file.isatty():
        on.print(*items, sep="\n")
        return
    with on.capture() as captured:
        on.print(*items, sep="\n")
    on.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def write_json(value: object) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(for_stdout(f"{msgspec.json.format(as_json(value)).decode()}\n"))


def write_json_lines(values: Iterable[object]) -> None:
    """Write one JSON document a line to stdout."""
    for value in values:
        sys.stdout.write(for_stdout(f"{as_json(value).decode()}\n"))


def nothing(what: str, root: object, filtered: object, hint: str = "") -> None:
    """Write the notice that a store has no `what`; `hint` follows if no filter was given."""
    notice(f"no {what} is recorded in {root}{' that matches the options' if filtered else hint}")


def more(total: int, limit: int, page: int, of: str) -> None:
    """Write the notice that a page does not have all of `total` rows."""
    if limit and total > limit:
        first, last = (page - 1) * limit + 1, min(page * limit, total)
        following = f"; --page {page + 1} has the next" if last < total else ""
        notice(f"{first:,} to {last:,} of {count(total, of)}{following}")


def as_json(value: object) -> bytes:
    """Return valid JSON of any value; a value that JSON lacks becomes a text."""
    try:
        return msgspec.json.encode(value, enc_hook=str)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return msgspec.json.encode(to_plain(value))


def notice(text: object) -> None:
    """Write a line to stderr."""
    write(on := console(sys.stderr), styled(text, "dim" if on.file.isatty() else ""))


def complain(text: str) -> None:
    """Write an error to stderr, one line for each problem, after redaction."""
    from odibi_core.events import sanitize_text  # here, because most commands need no redaction

    first, *others = sanitize_text(text).splitlines() or [""]
    on = console(sys.stderr)
    from rich.text import Text

    write(on, Text.assemble(("error: ", "bold red"), shown(first)), *(styled(f"       {line}") for line in others))


def reason(error: BaseException) -> str:
    """Return the message of an error; of one of the operating system, the file and the reason without its number."""
    if not isinstance(error, OSError) or isinstance(error, OdibiError) or error.strerror is None:
        return str(error)
    text = error.strerror[:1].lower() + error.strerror[1:]
    return text if error.filename is None else f"{error.filename}: {text}"


def aside() -> redirect_stdout[TextIO]:
    """Return a context manager that sends the output of user code to stderr; stdout has the answer alone."""
    return redirect_stdout(sys.stderr)


@contextmanager
def waiting(for_what: str) -> Iterator[Callable[[], None]]:
    """Show a spinner on the terminal after a second; the value of the block is a function that ends it."""
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
    """Return whether the console can be redrawn: a terminal, not a dumb one, and not the output of a notebook's cell.

    A kernel gives a command of a cell (`!odibi run …`) a terminal, but the notebook moves no cursor.
    """
    return on.file.isatty() and not on.is_dumb_terminal and environment_value(_KERNEL) is None


def duration(ms: float | None) -> str:
    """Return a duration; an empty text for None."""
    return wording.duration(ms if isinstance(ms, int | float) else None, unknown="")


def count(number: Any, of: str = "") -> str:
    """Return `1,234 rows`; an empty text for None."""
    if not isinstance(number, int):
        return ""
    return f"{number:,} {of if number != 1 else of.removesuffix('s')}".rstrip()
