"""The documentation is true: each block of code in it runs, and everything that a user can reach is in it."""

import ast
import functools
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import forked_programs
from tests.architecture.plan import ROOT, SOURCE, Module, builtin_plugins, dotted, modules

from odibi_core.settings import OPTIONS, Option, text_of

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# A comment before a block: `<!-- not run: reason -->`, or `<!-- exits: 1 -->` where failing is what is shown.
NOT_RUN = re.compile(r"<!-- not run: \S.{9,} -->")
EXITS = re.compile(r"<!-- exits: (\d+) -->")
FENCE = re.compile(r"^```(\w*)\s*$")
RUNNERS = {"python": ("python",), "sh": ("bash", "-eu"), "bash": ("bash", "-eu")}

FRONT = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("*_*/README.md"))]
HOSTS = tomllib.loads((ROOT / "tests" / "integrations" / "hosts.toml").read_text(encoding="utf-8"))
PAGES = sorted([*FRONT, *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, where it begins, and the line before it."""

    language: str
    text: str
    line: int
    before: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.splitlines()
    starts = iter(number for number, line in enumerate(lines) if line.startswith("```"))
    for start in starts:
        end = next(starts)
        fence = FENCE.match(lines[start])
        before = next((line for line in reversed(lines[:start]) if line.strip()), "")
        yield Block(fence[1] if fence else "", "\n".join(lines[start + 1 : end]) + "\n", start + 1, before)


def run(block: Block, cwd: Path, *first: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a block as a user would, in `cwd`, with the environment's own commands `first` on the PATH."""
    folders = [*first, Path(sys.executable).parent, os.environ["PATH"]]
    environment = os.environ | variables | {
        "PATH": os.pathsep.join(map(str, folders)),
        "HOME": str(cwd),
        "NO_COLOR": "1",
    }
    file = cwd / f"line_{block.line}.{block.language[:2]}"
    file.write_text(block.text, encoding="utf-8")
    return subprocess.run(
        [*RUNNERS[block.language], file.name],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _expected_exit(block: Block) -> int:
    found = EXITS.search(block.before)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def commands() -> Iterator[Path]:
    """Return the folder of `odibi` and `python` without the time in which they load libraries."""
    with tempfile.TemporaryDirectory(prefix="odibi-docs-") as folder, forked_programs.commands(Path(folder)) as place:
        yield place


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_of_a_page_runs(page: Path, tmp_path: Path, commands: Path) -> None:
    """A page is read from the top: its blocks run in order in one empty folder."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language not in RUNNERS or NOT_RUN.search(block.before):
            continue
        done = run(block, tmp_path, *_host_of(page), commands, **_variables_of(page))
        where = f"{page.name}, line {block.line}"
        assert done.returncode == _expected_exit(block), f"{where}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def _host_of(page: Path) -> list[Path]:
    """Return the commands of the system that a page of an integration is about, which has an environment of its own."""
    found = ROOT / ".venv-hosts" / page.stem / "bin"
    if page.stem not in HOSTS or page.parent.name != "integrations":
        return []
    if not found.is_dir():
        pytest.skip(f"the environment of {page.stem} is not there; `make hosts` creates it")
    return [found]


def _variables_of(page: Path) -> dict[str, str]:
    """Return the path of this checkout for an environment in which it is not installed."""
    return {"PYTHONPATH": str(ROOT / "src")} if _host_of(page) else {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """A relative link of a page, pictures included, names a file of the project."""
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    """A heading that was renamed leaves no link behind."""
    links = re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    targets = [(page if not file else (page.parent / file).resolve(), anchor) for file, anchor in links]
    assert not [anchor for target, anchor in targets if target.suffix == ".md" and anchor not in _anchors(target)]


def _anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["run_pipeline.py", "observe_pipeline.py"])
def test_the_readme_shows_the_examples_as_they_are(name: str) -> None:
    """The README prints the file in `examples/` to the letter."""
    shown = [block.text for block in blocks((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert (ROOT / "examples" / name).read_text(encoding="utf-8") in shown


@functools.cache
def documentation() -> str:
    """All pages as one text."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def _undocumented(names: list[str]) -> list[str]:
    """Names that no page has in code type: `name`, or `name …`, or inside a block."""
    said = documentation()
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said)]


def test_every_extra_is_documented() -> None:
    """Each extra of pyproject.toml is on a page as `odibi-core[extra]`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [f"odibi-core[{extra}]" for extra in project["optional-dependencies"]]
    assert not [extra for extra in extras if extra not in documentation()]


def test_every_builtin_plugin_is_documented() -> None:
    """Each name of each family's BUILTIN stands in its family's row of docs/reference.md."""
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    missing = []
    for family, plugins in builtin_plugins().items():
        rows = [line for line in reference.splitlines() if line.startswith(f"| `{family}` |")]
        missing += [f"{family}: {name}" for name in plugins if not any(f"`{name}`" in row for row in rows)]
    assert not missing


def test_every_setting_is_documented_with_its_default() -> None:
    """docs/settings.md has one row for each setting, with all its variables and its default, and no other."""
    lines = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    settings = [line for line in lines if line.startswith("| `ODIBI_") and "__" in line.split("|")[1]]
    wanted = [_row_of(option) for option in OPTIONS.values()]
    assert not [row for row in wanted if not any(line.startswith(row) for line in settings)]
    assert len(settings) == len(wanted)


def _row_of(option: Option) -> str:
    """Cells of a setting's row, without the last, its meaning."""
    also = ", ".join(f"`{name}`" for name in option.variables if name != option.own_variable)
    default = f"`{text_of(option.default)}`" if option.default not in ("", ()) else ""
    if option.instead:
        default = f"as `{OPTIONS[option.instead].own_variable}`"
    return "".join(f"| {cell} " if cell else "| " for cell in (f"`{option.own_variable}`", also, default, ""))


def _commands() -> list[str]:
    import typer
    from typer.main import get_command

    from odibi_core.cli import app

    assert isinstance(app, typer.Typer)
    return sorted(_names(get_command(app), "odibi"))


def _names(command: object, path: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield path
        return
    for name, sub in inner.items():
        if not sub.hidden:
            yield from _names(sub, f"{path} {name}")


def test_every_command_is_documented() -> None:
    """Each command of `odibi`, subcommands included, is on a page by its full name."""
    assert not _undocumented(_commands())


def test_every_error_and_kind_of_event_is_documented() -> None:
    """Errors and event kinds are interface: a user catches the former and queries the latter."""
    from odibi_core import errors
    from odibi_core.events import kinds

    error_names = [name for name, kind in vars(errors).items() if isinstance(kind, type) and name.endswith("Error")]
    kind_names = [kind for name, kind in vars(kinds).items() if name.isupper() and isinstance(kind, str)]
    assert not _undocumented([*error_names, *kind_names])


def _shown(module: Module) -> set[str]:
    """Public names of a file: those of a root module, or the `__all__` of its package."""
    names = {node.name for node in module.tree.body if isinstance(node, Definition) and node.name[0] != "_"}
    if "/" not in module.path:
        return names
    plugins = {target for family in builtin_plugins().values() for target in family.values()}
    return {name for name in names if name in _all(module.unit) or f"{module.name}:{name}" in plugins}


@functools.cache
def _all(package: str) -> set[str]:
    front = next((module for module in modules() if module.path == f"{package}/__init__.py"), None)
    for node in front.tree.body if front else []:
        if isinstance(node, ast.Assign) and dotted(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_public_names_have_docstrings() -> None:
    """Every file has a docstring, and every class and function of an `__all__`; one overload is enough."""
    wrong = [module.path for module in modules() if not ast.get_docstring(module.tree)]
    for module in modules():
        definitions = [node for node in module.tree.body if isinstance(node, Definition)]
        described = {node.name for node in definitions if ast.get_docstring(node)}
        wrong += [f"{module.path}: {name}" for name in sorted(_shown(module) - described)]
    assert not wrong, "\n".join(wrong)


def test_a_broken_block_is_seen(tmp_path: Path, commands: Path) -> None:
    """Sabotage: a block that fails, one that is not run and one that is meant to fail are reported differently."""
    page = (
        "```python\nraise SystemExit(3)\n```\n<!-- not run: it needs a cluster -->\n```sh\nexit 9\n```\n"
        "<!-- exits: 3 -->\n\n```sh\nexit 3\n```\n"
        "```python\nprint(1 / 0)\n```\n```sh\nodibi show\n```\n```sh\nodibi runz\n```\n"
        "```sh\npython -c 'exit(4)'\n```\n"
    )
    first, second, third, *others = blocks(page)
    assert run(first, tmp_path, commands).returncode == 3 != _expected_exit(first)
    assert NOT_RUN.search(second.before)
    assert run(third, tmp_path, commands).returncode == 3 == _expected_exit(third)
    forked = [run(block, tmp_path, commands) for block in others]
    as_started = [run(block, tmp_path) for block in others]
    assert [done.returncode for done in forked] == [done.returncode for done in as_started] == [1, 3, 2, 4]
    assert "ZeroDivisionError" in forked[0].stderr
    assert [done.stdout for done in forked] == [done.stdout for done in as_started]


def test_the_typed_source_is_all_there() -> None:
    """The plan of the source is not empty, so that no test above passes on nothing."""
    assert {"errors.py", "bus/bus.py", "settings/__init__.py"} <= {module.path for module in modules()}
    assert SOURCE.is_dir()


def test_every_file_of_where_to_look_exists() -> None:
    """A question of docs/design.md is answered by paths of the source, of which each exists."""
    page = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .+\? \| (.+) \|$", page, re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`([\w/]+\.py)", row)]
    assert len(rows) >= 10
    assert not [path for path in paths if not (SOURCE / path).exists()]
