"""`odibi contract`: data contracts, and the results of their rules in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from odibi_core.cli import exits, help, options, output, record
from odibi_core.errors import RunNotFoundError
from odibi_core.store.sql_text import literal

contract = help.group("contract", "Check a data contract, or report its results.")
File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract (ODCS 3, YAML).", show_default=False)]
_RESULTS: Final = {True: "passed", False: "failed", None: "not checked"}
_STYLES: Final = {"passed": "green", "failed": "red", "not checked": "yellow", "not run": "yellow"}


@contract.command(cls=help.Command)
def check(file: File, format: options.Format = options.TextOrJson.text) -> None:
    """Check that a contract is valid, and list its rules.

    The exit code is 1 if the file is no valid contract.
    """
    about, rules = _rules(file)
    if format is options.TextOrJson.json:
        output.write_json({**about, "rules": rules})
        return
    on = output.console()
    listed = output.table("Rule", "Column", "Severity", whole=("Rule",))
    for rule in rules:
        listed.add_row(output.cell(rule["rule"]), output.cell(rule["column"]), output.cell(rule["severity"]))
    output.write(on, listed)
    output.write(on, output.styled(f"{file} is valid: {output.count(len(rules), 'rules')}"))


@contract.command(cls=help.Command)
def report(
    file: File,
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Run.", show_default="latest")] = None,
    write: Annotated[bool, typer.Option("--write", help="Also write the results beside the contract.")] = False,
    store: options.Store = None,
    format: options.Format = options.TextOrJson.text,
) -> None:
    """Report the results of the rules of a contract in a run.

    A rule of the contract that the run did not check is "not run". --write
    writes FILE with the suffix .results.json beside the contract. The exit code
    is 1 if a rule failed.
    """
    about, rules = _rules(file)
    kept = record.open_store(store)
    with output.waiting("reading the run"):
        run_id = record.find(kept, run or _latest(kept, about["contract"]))
        results = _results(kept, run_id, about["contract"])
    rows = _matched(rules, results)
    answer = {**about, "run_id": run_id, "summary": _summary(rows), "results": rows}
    if write:
        target = file.with_suffix(".results.json")
        target.write_bytes(output.as_json(answer) + b"\n")
        output.notice(f"the results are in {target}")
    if format is options.TextOrJson.json:
        output.write_json(answer)
    else:
        _show(answer)
    if answer["summary"]["failed"]:
        raise typer.Exit(exits.FAILED)


def _rules(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the id, name and version of a contract, and its rules in their order: redacted, as the record has them."""
    from odibi_core.checks.contract import from_contract
    from odibi_core.checks.contract.document import read
    from odibi_core.redaction import redact

    document = read(file)
    rules: list[dict[str, Any]] = redact(
        [
            {"rule": check.name, "column": check.column, "severity": check.severity, "object": name}
            for name in document.objects
            for check in from_contract(file, name)
        ]
    )
    known = {(rule["rule"], rule["column"]): rule for rule in reversed(rules)}  # service levels are there once
    about = document.about
    named = redact({"contract": about.id, "name": about.name, "version": about.version})
    return named, [rule for rule in rules if known.get((rule["rule"], rule["column"])) is rule]


def _latest(kept: Any, contract_id: str) -> str:
    from odibi_core.history.history import History

    query = f"SELECT run_id FROM checks WHERE contract = {literal(contract_id)} ORDER BY timestamp DESC LIMIT 1"
    rows = History(kept).sql(query).rows
    if not rows:
        raise RunNotFoundError(f"no run checked the contract {contract_id!r}; add checks.from_contract() to a step")
    return str(rows[0]["run_id"])


def _results(kept: Any, run_id: str, contract_id: str) -> list[dict[str, Any]]:
    from odibi_core.views.lineage import LineageView

    lineage = record.fold(LineageView(), record.read(kept, run_id)).answer()
    return [
        {
            "rule": check.check,
            "column": check.column,
            "step": node.node_name,
            "result": _RESULTS[check.passed],
            "failed_rows": check.failed_rows,
            "total_rows": check.total_rows,
            "severity": check.severity,
            "message": check.message,
            "examples": check.examples,
            "version": check.contract_version,
        }
        for node in lineage.nodes
        for check in node.checks
        if check.contract == contract_id
    ]


def _matched(rules: list[dict[str, Any]], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every result of the run, and a row for each rule of the contract that has none."""
    found = {(each["rule"], each["column"]) for each in results}
    absent = [
        {
            "rule": rule["rule"],
            "column": rule["column"],
            "step": None,
            "result": "not run",
            "severity": rule["severity"],
        }
        for rule in rules
        if (rule["rule"], rule["column"]) not in found
    ]
    return [*results, *absent]


def _summary(rows: list[dict[str, Any]]) -> dict[str, int]:
    listed = [row["result"] for row in rows]
    return {result.replace(" ", "_"): listed.count(result) for result in _STYLES}


def _show(answer: dict[str, Any]) -> None:
    on = output.console()
    listed = output.table("Rule", "Column", "Result", "Message", whole=("Rule",))
    for row in answer["results"]:
        result = row["result"]
        message = row.get("message") or "the run did not check it"
        listed.add_row(
            output.cell(row["rule"]), output.cell(row["column"]), output.cell(result, _STYLES[result]),
            output.cell(message),
        )  # fmt: skip
    output.write(on, listed)
    counts = " · ".join(f"{number} {name.replace('_', ' ')}" for name, number in answer["summary"].items() if number)
    version = f" {answer['version']}" if answer["version"] else ""
    output.write(
        on, output.styled(f"{answer['name'] or answer['contract']}{version} in run {answer['run_id']}: {counts}")
    )
    versions = {row["version"] for row in answer["results"] if row.get("version") not in (None, answer["version"])}
    if versions:
        output.notice(f"the run checked version {', '.join(sorted(versions))}; the file has {answer['version']}")
