"""The versions of the packages that steps use."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.events.sanitize import sanitize_field
from odibi_core.runtime.run_context import packages
from odibi_core.runtime.run_context.packages import MAX_PACKAGES, packages_of, packages_of_program


def imports_inside(x: Any) -> Any:
    """Import in the body."""

    def deeper() -> Any:
        import narwhals

        return narwhals

    import polars

    return polars, deeper


def uses_global() -> Any:
    return pd.DataFrame()


def test_packages_of_the_module_and_of_the_body() -> None:
    """Standard library and the program's own modules are none."""
    found = packages_of([uses_global, imports_inside])
    assert found["pandas"] == pd.__version__
    assert {"polars", "narwhals", "odibi_core", "pytest"} <= set(found)
    assert not {"sys", "pathlib", "tests"} & set(found)


def test_an_engine_counts_before_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version is in the name of its metadata, and nothing is imported to know it."""
    monkeypatch.delitem(sys.modules, "duckdb", raising=False)
    version = packages_of([], ["duckdb"])["duckdb"]
    assert version[0].isdigit()
    assert "duckdb" not in sys.modules


def test_a_name_like_that_of_a_secret_keeps_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pyjwt` is a package and no token."""
    module = types.ModuleType("pyjwt")
    module.__version__ = "2.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyjwt", module)
    assert sanitize_field("packages", packages_of([], ["pyjwt"]))["pyjwt"] == "2.0"


@pytest.mark.parametrize("version", [None, 7, "x" * 10_000, "1\n2", pytest])
def test_a_hostile_version_is_bounded_or_left_out(monkeypatch: pytest.MonkeyPatch, version: Any) -> None:
    """A module may name anything."""
    module = types.ModuleType("hostile_module")
    module.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hostile_module", module)
    assert len(packages_of([], ["hostile_module"]).get("hostile_module", "")) <= 64


def test_the_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may import thousands."""
    for number in range(500):
        module = types.ModuleType(f"many_{number}")
        module.__version__ = "1"  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"many_{number}", module)
    assert len(packages_of([], [f"many_{number}" for number in range(500)])) == MAX_PACKAGES


def test_a_program_uses_what_its_own_modules_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And not what those packages import."""
    module = types.ModuleType("jobs")
    module.__file__ = str(tmp_path / "jobs.py")
    module.pd = pd  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jobs", module)
    found = packages_of_program()
    assert found["pandas"] == pd.__version__
    assert "pytz" not in found


def test_functions_without_globals_are_none() -> None:
    """Built-in functions, partials of nothing and objects."""
    assert set(packages_of([len, object(), None, 5])) == {"odibi_core"}


class Proxy:
    """An object whose attributes raise, its class included, as some proxies outside of their context."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("no context")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class LazyModule(types.ModuleType):
    """A module that is loaded by the first access."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


class Meta(type):
    """A metaclass that computes the attributes of its classes."""

    def __getattribute__(cls, name: str) -> Any:
        raise AssertionError(f"{name} was read")


class OfMeta(metaclass=Meta):
    """A class of it."""


def hostile_module(file: Path) -> types.ModuleType:
    """Return a module of the program whose globals must not be touched, and which imports pandas."""
    without = eval("type('Without', (), {})", {"type": type})  # noqa: S307 (without `__name__`: no `__module__`)
    module = types.ModuleType("hostile_jobs")
    vars(module).update(of_meta=OfMeta, proxy=Proxy(), without=without, __file__=str(file), pd=pd)
    return module


def test_a_class_whose_metaclass_raises_loses_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor a class without a module: those imported beside it are found."""
    module = hostile_module(tmp_path / "hostile_jobs.py")
    monkeypatch.setitem(sys.modules, "hostile_jobs", module)
    assert packages_of_program()["pandas"] == pd.__version__
    function = types.FunctionType(uses_global.__code__, vars(module))
    assert packages_of([function])["pandas"] == pd.__version__


@pytest.mark.parametrize("name", ["__name__", "__file__", "__version__"])
def test_a_module_whose_names_are_proxies_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """A stub of a library may put one in their place."""
    module = hostile_module(tmp_path / "hostile_jobs.py")
    vars(module)[name] = Proxy()
    monkeypatch.setitem(sys.modules, "hostile_jobs", module)
    assert packages_of_program()["odibi_core"]
    assert "hostile_jobs" not in packages_of([], ["hostile_jobs"])


def test_globals_that_raise_or_load_are_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observing neither fails for them nor changes them."""
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "proxy", Proxy())
        patch.setitem(globals(), "of_meta", OfMeta)
        patch.setitem(globals(), "lazy", LazyModule("lazy_module"))
        patch.setitem(sys.modules, "lazy_module", LazyModule("lazy_module"))
        assert packages_of([uses_global])["pandas"] == pd.__version__
        assert packages_of_program()["odibi_core"]


class Key(str):
    """A name whose comparison raises."""

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        raise AssertionError(f"compared with {other}")


class Word(str):
    """A text whose methods raise."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read")


class ModuleWithProperty(types.ModuleType):
    """A module whose `__dict__` is computed."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # on purpose
        raise AssertionError("__dict__ was read")


def _with_globals(kind: type[types.ModuleType] = types.ModuleType, **inside: Any) -> types.ModuleType:
    module = kind("hostile")
    vars(types.ModuleType)["__dict__"].__get__(module).update(inside)
    return module


def _with_key() -> types.ModuleType:
    module = types.ModuleType("hostile")
    del module.__dict__["__name__"]
    module.__dict__[Key("__name__")] = 1
    return module


HOSTILE = {
    "metaclass": OfMeta,
    "no module": types.FunctionType((lambda: type("C", (), {})).__code__, {})(),
    "module of a class": type("C", (), {"__module__": Proxy()}),
    "name of a module": _with_globals(__name__=Proxy(), __file__=Proxy()),
    "text": _with_globals(__name__=Word("hostile"), __file__=Word("/x.py"), __version__=Word("1")),
    "key": _with_key(),
    "property": _with_globals(ModuleWithProperty),
    "proxy": Proxy(),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", ["jobs", "__main__"])
def test_a_hostile_object_costs_no_other_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hostile: str, name: str
) -> None:
    """Neither among the globals of a module of the program nor as a loaded module."""
    module = types.ModuleType(name)
    module.__file__ = str(tmp_path / "jobs.py")
    module.__dict__.update(first=HOSTILE[hostile], pd=pd)
    monkeypatch.setattr(packages._installed, "program", (0, {}))
    # Alone: among the modules of all tests, others import pandas as well.
    loaded = {"hostile": HOSTILE[hostile], name: module, "pandas": pd}
    monkeypatch.setattr(packages, "sys", types.SimpleNamespace(**{**vars(sys), "modules": loaded}))
    assert packages_of_program()["pandas"] == pd.__version__


class Step:
    """A step whose attributes raise, and whose call is no function of Python."""

    __call__ = len

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_a_hostile_step_costs_no_other_package() -> None:
    """The packages of the other steps are found."""
    assert packages_of([Step(), OfMeta, Proxy(), uses_global])["pandas"] == pd.__version__


def test_a_text_of_another_class_is_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch has such a one."""
    monkeypatch.setitem(sys.modules, "of_word", _with_globals(__version__=Word("2.1")))
    assert packages_of([], ["of_word"])["of_word"] == "2.1"


def test_a_path_that_is_no_text_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs append a `Path`, which imports pass over."""
    monkeypatch.setattr(sys, "path", [Path("/x"), b"/y", [], "\0-packages", *sys.path])
    monkeypatch.delitem(sys.modules, "duckdb", raising=False)
    assert packages_of([], ["duckdb"])["duckdb"][0].isdigit()
