"""Plain technical English: the rules of `prose.py` for docstrings, comments, pages and help."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.plan import ROOT
from tests.architecture.prose import Finding, of_first_word, of_page, of_source, of_text

CODE = ("src", "benchmarks", "examples", "scripts", "grafana_templates", "prometheus_rules", "datadog_templates")
CONTRACT = ROOT / "tests" / "contract"
"""Left out: these tests are the requirements as they were given, and stay unchanged."""
CHANGELOG = ROOT / "CHANGELOG.md"
"""Left out: an entry describes its release in the words of that time."""

# "path: rule" → why the words stay. One line each.
WAIVERS: dict[str, str] = {}


def offenders(files: list[Path], *, is_test: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each finding as the waiver that would allow it, and as `path:line: rule`."""
    assert files, "the folder is empty or has another name"
    for file in files:
        text, path = file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()
        for found in of_page(text) if file.suffix == ".md" else of_source(text, is_test=is_test):
            yield f"{path}: {found.rule}", f"{path}:{found.line}: {found.rule}"


def of_code() -> Iterator[tuple[str, str]]:
    """Yield the findings of the source, the benchmarks, the examples and the scripts."""
    return offenders([file for folder in CODE for file in sorted((ROOT / folder).rglob("*.py"))])


def of_tests() -> Iterator[tuple[str, str]]:
    """Yield the findings of the tests, without those of the contract."""
    files = [file for file in sorted((ROOT / "tests").rglob("*.py")) if not file.is_relative_to(CONTRACT)]
    return offenders(files, is_test=True)


def of_pages() -> Iterator[tuple[str, str]]:
    """Yield the findings of every page."""
    beside = [file for folder in CODE for file in sorted((ROOT / folder).rglob("*.md"))]
    top = [file for file in sorted(ROOT.glob("*.md")) if file != CHANGELOG]
    return offenders([*top, *sorted((ROOT / "docs").glob("*.md")), *beside])


def unwaived(found: Iterator[tuple[str, str]]) -> str:
    return "\n".join(where for waiver, where in found if waiver not in WAIVERS)


def test_docstrings_and_comments_are_plain() -> None:
    """A function's docstring starts with a verb; no text has a person, a metaphor, a wrong start or a long sentence."""
    wrong = unwaived(of_code())
    assert not wrong, wrong


def test_the_words_of_tests_are_plain() -> None:
    """The same rules, except that a test's docstring states its rule without an imperative."""
    wrong = unwaived(of_tests())
    assert not wrong, wrong


def test_pages_are_plain() -> None:
    """The same rules for the prose of every page; code blocks and tables are left out."""
    wrong = unwaived(of_pages())
    assert not wrong, wrong


def test_every_waiver_is_still_needed_and_has_a_reason() -> None:
    """A waiver is removed together with the sentence that needed it."""
    everywhere = (of_code, of_tests, of_pages) if WAIVERS else ()
    needed = {waiver for findings in everywhere for waiver, _ in findings()}
    assert set(WAIVERS) <= needed
    assert all(len(reason) > 15 and "\n" not in reason for reason in WAIVERS.values())


def test_the_summary_of_every_command_is_plain() -> None:
    """The first sentence of a command's help starts with a verb and passes the other rules."""
    from typer.main import get_command

    from odibi_core.cli import app

    wrong = [
        f"{name}: {found.rule}"
        for name, summary in summaries(get_command(app), "odibi")
        for found in [*of_first_word(summary, 1), *of_text(summary, 1)]
    ]
    assert not wrong, "\n".join(wrong)


def summaries(command: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the summary of a command and of all its subcommands."""
    yield name, (getattr(command, "help", None) or "").partition("\n\n")[0]
    for inner, sub in getattr(command, "commands", {}).items():
        yield from summaries(sub, f"{name} {inner}")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('def f():\n    """Return the names, whoever asks."""', "word: whoever"),
        ("# the bus tells its sinks\nx = 1", "word: tells"),
        ('X = 1\n"""What the caller passed."""', "start: What"),
        (f'"""Return {"the value of " * 11}it."""', "35 words: Return the value of the value …"),
        ('def f():\n    """The number of rows."""', "no imperative: 'The number of rows.'"),
        ('class A:\n    def f(self):\n        """Returns the rows."""', "no imperative: 'Returns the rows.'"),
    ],
)
def test_the_check_sees(text: str, rule: str) -> None:
    """Sabotage: a person, a metaphor, a wrong start, a long sentence and a docstring without a verb are found."""
    assert [found.rule for found in of_source(text)] == [rule]


def test_the_check_leaves_code_alone() -> None:
    """Quoted names, fenced blocks, tables, properties and the docstrings of tests are not judged as prose."""
    page = "`who` is a column.\n\n```sh\necho who says what\n```\n\n| who | says |\n\nWhether it runs.\n"
    assert list(of_page(page)) == [Finding(9, "start: Whether")]
    prop = 'class A:\n    @property\n    def rows(self):\n        """The number of rows."""'
    assert not list(of_source(prop))
    assert not list(of_source('def test_a():\n    """A rule."""', is_test=True))
