"""The prompt of `odibi sql`: queries over several lines, completion, and a history of its own.

It uses readline of the standard library: that completes, searches and edits, and it is there without another package.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core import private_files
from odibi_core.cli import output
from odibi_core.cli.sql import CHILD, answer
from odibi_core.cli.sql_formats import SqlFormat
from odibi_core.cli.sql_schema import show_macros, show_schema
from odibi_core.errors import ConfigurationError, OdibiError, nearest
from odibi_core.history.schema import TABLES
from odibi_core.history.sql.macros import MACROS

if TYPE_CHECKING:
    from odibi_core.store.runs import RunStore

HISTORY: Final = "sql_history"
"""The file with the queries of the prompt, in the folder of the store, for its owner alone."""
_LONGEST_HISTORY: Final = 1_000
_FIRST, _NEXT = "odibi> ", "  ...> "
_KEYWORDS: Final = """select from where group by order limit having join left using on as and or not in is null count
distinct filter avg sum min max median quantile_cont case when then else end between like ilike desc asc with union all
over partition interval now date_trunc"""
_HELP: Final = """A query ends with ; and may have several lines. Tab completes tables, columns, macros and keywords.
  \\d          the tables            \\d TABLE    the columns of a table
  \\m          the macros            \\f FORMAT   table, json, jsonl or csv
  \\h          this help             \\q or Ctrl-D  leave; Ctrl-C drops the query"""


class Completer:
    """Completes words of a query: tables, columns, macros and keywords, in this order."""

    def __init__(self) -> None:
        columns = sorted({name for table in TABLES.values() for name in table.names})
        self._words = [*TABLES, *columns, *MACROS, *_KEYWORDS.split()]
        self._found: list[str] = []

    def __call__(self, text: str, state: int) -> str | None:
        """Return the match of that number, as readline asks for it."""
        if state == 0:
            start = text.lower()
            self._found = list(dict.fromkeys(word for word in self._words if word.startswith(start)))
        return self._found[state] if state < len(self._found) else None


class Prompt:
    """Reads queries and commands, and answers each; an error keeps the prompt."""

    def __init__(self, kept: RunStore, run_id: str | None, timeout: float, form: SqlFormat = SqlFormat.table) -> None:
        self._kept = kept
        self._run_id = run_id
        self._timeout = timeout
        self._format = form

    def run(self) -> None:
        """Read until the end of the input."""
        output.notice(f"the tables of {self._kept.root}; \\h for help, \\q to leave")
        lines: list[str] = []
        while True:
            try:
                line = input(_NEXT if lines else _FIRST)
            except EOFError:
                output.notice("")
                return
            except KeyboardInterrupt:
                lines = []
                output.notice("")
                continue
            if not lines and line.strip().startswith("\\"):
                if line.split()[0] in ("\\q", "\\quit"):
                    return
                self._guarded(self._command, line.split())
                continue
            lines += [line] if line.strip() or lines else []
            if line.rstrip().endswith(";"):
                self._guarded(self._answer, "\n".join(lines))
                lines = []

    def _guarded(self, do: Any, argument: Any) -> None:
        try:
            do(argument)
        except KeyboardInterrupt:
            output.notice("interrupted")
        except (OdibiError, OSError) as error:
            output.complain(output.reason(error))

    def _answer(self, query: str) -> None:
        from odibi_core.store.sql_process import Child

        with Child(CHILD) as child:
            answer(child, self._kept, query, self._format, timeout=self._timeout, run_id=self._run_id)

    def _command(self, words: list[str]) -> None:
        name, argument = words[0], words[1] if len(words) > 1 else None
        if name == "\\d":
            show_schema(argument, SqlFormat.table)
        elif name == "\\m":
            show_macros(SqlFormat.table)
        elif name == "\\f" and argument in _FORMATS:
            self._format = SqlFormat(argument)
        elif name == "\\f":
            output.complain(f"the format must be one of {', '.join(_FORMATS)}, got {argument}")
        elif name in ("\\h", "\\?"):
            output.notice(_HELP)
        else:
            output.complain(f"there is no command {name}{nearest(name, _COMMANDS)}; \\h lists them")


_FORMATS: Final = ("table", "json", "jsonl", "csv")
_COMMANDS: Final = ("\\d", "\\m", "\\f", "\\h", "\\q")


def prompt(kept: RunStore, run_id: str | None, timeout: float, form: SqlFormat) -> None:
    """Read queries from the terminal until its end.

    Raises:
        ConfigurationError: The prompt does not have that format.
    """
    if form.value not in _FORMATS:
        raise ConfigurationError(f"the format of the prompt must be one of {', '.join(_FORMATS)}, got {form.value}")
    with _line_editing(kept.root):
        Prompt(kept, run_id, timeout, form).run()


@contextmanager
def _line_editing(root: Path) -> Iterator[None]:
    """Edit lines with completion, and keep the history in a private file, if the system has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    path = root / HISTORY
    readline.set_completer(Completer())
    readline.set_completer_delims(" \t\n()[]{},;=<>+-*/|'")
    readline.parse_and_bind("tab: complete")
    with suppress(OSError, UnicodeDecodeError):
        for line in path.read_text(encoding="utf-8").splitlines():
            readline.add_history(line)
    try:
        yield
    finally:
        readline.set_completer(None)
        last = readline.get_current_history_length()
        lines = [readline.get_history_item(place) for place in range(max(1, last - _LONGEST_HISTORY + 1), last + 1)]
        if root.is_dir():
            with suppress(OSError):  # read-only media: the queries are not kept
                private_files.write_atomic(path, "".join(f"{line}\n" for line in lines))
