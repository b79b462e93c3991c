"""The versions of the packages that steps use."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.events.sanitize import sanitize_field
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
