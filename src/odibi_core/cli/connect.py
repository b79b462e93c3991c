"""`odibi connect`: ask what another system needs, prove it with a test signal, and write the setting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from odibi_core import plugins
from odibi_core.cli import exits, options, output
from odibi_core.errors import ConfigurationError, nearest

if TYPE_CHECKING:
    from odibi_core.connections.base import Connection, Proof, Question, Written

_FAMILY: Final = "connections"
_WORDS: Final = {"arrived": "arrived", "sent": "sent, not confirmed", "failed": "failed"}
_STYLES: Final = {"arrived": "success", "sent": "unknown", "failed": "failed"}


def connect(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="System, such as slack.",
            show_default="list them",
            autocompletion=lambda incomplete: [n for n in plugins.names(_FAMILY) if n.startswith(incomplete)],
        ),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Answer of a question.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only prove what is configured.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Write it also if the test fails.")] = False,
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="Write secrets into the file.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, help="Seconds of a request.")] = 10.0,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Connect to another system, and prove it.

    It asks what is needed, sends a test signal, reports what arrived, and
    writes the setting into odibi.toml, whose comments stay. Secrets go into
    variables, which it names. Without a terminal, --set has the answers.

    odibi connect openlineage --set url=http://marquez:5000
    odibi connect --check
    """
    if check:
        mode = {"--set": bool(given), "--anyway": anyway, "--with-secrets": with_secrets}
        options.refuse("with --check", mode)
        _check(name, timeout, format)
    elif name is None:
        options.refuse("without NAME", {"--set": bool(given), "--anyway": anyway, "--with-secrets": with_secrets})
        _list(format)
    else:
        _connect(name, _pairs(given or []), anyway=anyway, with_secrets=with_secrets, within_s=timeout, format=format)


def _connect(
    name: str, given: dict[str, str], *, anyway: bool, with_secrets: bool, within_s: float, format: options.TextOrJson
) -> None:
    connection: Connection = plugins.load(_FAMILY, name)()
    values = _answers(name, connection, given)
    if problems := connection.problems(values):
        raise ConfigurationError("\n".join(problems))
    with output.waiting(f"testing {name}"):
        proof = connection.prove(values, within_s)
    is_written = proof.status != "failed" or anyway
    written = connection.write(values, with_secrets=with_secrets) if is_written else None
    if format is options.TextOrJson.json:
        output.write_json({"name": name, **msgspec.to_builtins(proof), "written": msgspec.to_builtins(written)})
    else:
        _show(name, proof)
        _show_written(written)
    if proof.status == "failed":
        raise typer.Exit(exits.FAILED)


def _answers(name: str, connection: Connection, given: dict[str, str]) -> dict[str, str]:
    """Return the answer of each question: given, known, asked on a terminal, or the default."""
    keys = [each.key for each in connection.questions]
    for key in given:
        if key not in keys:
            raise ConfigurationError(f"{name} has no {key!r}{nearest(key, keys)}; --set has: {', '.join(keys)}")
    known = connection.known()
    values = {**{each.key: each.default for each in connection.questions}, **known, **given}
    open_ones = [each for each in connection.questions if each.key not in given]
    if sys.stdin.isatty() and not given:
        for each in open_ones:
            values[each.key] = _asked(each, values[each.key])
    missing = [each for each in connection.questions if each.is_required and not values[each.key]]
    if missing:
        needs = "\n".join(f"--set {each.key}=…   {each.text}" for each in missing)
        raise ConfigurationError(f"odibi connect {name} needs, without a terminal:\n{needs}")
    return values


def _asked(question: Question, present: str) -> str:
    """Ask on stderr; a secret is not shown, and Enter keeps the one that is there."""
    hint = " (Enter keeps it)" if question.is_secret and present else ""
    answer: Any = typer.prompt(
        f"{question.text}{hint}", default=present or (None if question.is_required else ""),
        hide_input=question.is_secret, show_default=bool(present) and not question.is_secret, err=True,
    )  # fmt: skip
    return str(answer).strip()


def _pairs(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign:
            raise ConfigurationError(f"--set must be KEY=VALUE, got {key!r:.80}")
        found[key.strip()] = value
    return found


def _check(name: str | None, within_s: float, format: options.TextOrJson) -> None:
    names = plugins.names(_FAMILY) if name is None else [name]
    proofs: list[tuple[str, Proof]] = []
    with output.waiting("testing the connections"):
        for each in names:
            proofs += [(each, proof) for proof in plugins.load(_FAMILY, each)().check(within_s)]
    if not proofs and name is not None:
        raise ConfigurationError(f"{name} is not configured; odibi connect {name} does it")
    if format is options.TextOrJson.json:
        output.write_json([{"name": each, **msgspec.to_builtins(proof)} for each, proof in proofs])
    elif proofs:
        for each, proof in proofs:
            _show(each, proof)
    else:
        output.notice("nothing is configured; odibi connect lists the systems")
    if any(proof.status == "failed" for _, proof in proofs):
        raise typer.Exit(exits.FAILED)


def _list(format: options.TextOrJson) -> None:
    rows = [(name, plugins.load(_FAMILY, name)) for name in plugins.names(_FAMILY)]
    if format is options.TextOrJson.json:
        output.write_json(
            [
                {"name": name, "title": kind.title, "questions": msgspec.to_builtins(kind.questions)}
                for name, kind in rows
            ]
        )
        return
    table = output.table("Name", "Connects", whole=("Name",))
    for name, kind in rows:
        table.add_row(output.cell(name), output.styled(kind.title))
    output.write(output.console(), table)


def _show(name: str, proof: Proof) -> None:
    from odibi_core.events import sanitize_text

    on, state = output.console(), _STYLES[proof.status]
    line = f"{output.sign(state, on)} {name}: {_WORDS[proof.status]}: {sanitize_text(proof.message)}"
    output.write(on, output.styled(line, output.STYLES[state]))


def _show_written(written: Written | None) -> None:
    on = output.console()
    if written is None:
        output.notice("nothing was written; --anyway writes it all the same")
        return
    for file in written.files:
        output.write(on, output.styled(f"written: {file}"))
    for variable, meaning in written.variables.items():
        output.write(on, output.styled(f"to be set: {variable} ({meaning})"))
    for notice in written.notices:
        output.notice(notice)
