"""How environments are installed: uv gets the configuration of pip, and pip installs what uv cannot."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from uv_or_pip import configured, install, variables

LISTED = """\
:env:.disable-pip-version-check='1'
:env:.find-links='/wheels'
global.constraint='/etc/one.txt /etc/two.txt'
global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'
global.find-links='/elsewhere'
global.index-url='https://mirror.example/simple'
install.index-url='https://nearer.example/simple'
"""


def test_uv_gets_the_configuration_of_pip() -> None:
    """A variable precedes a section, a section the global one; what uv is configured with itself precedes both."""
    settings = configured(LISTED)
    assert settings["constraint"] == ["/etc/one.txt", "/etc/two.txt"]
    assert variables(settings, {}) == {
        "UV_DEFAULT_INDEX": "https://nearer.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    assert "UV_INDEX" not in variables(settings, {"UV_INDEX": "https://mine.example"})


def test_pip_installs_what_uv_cannot(tmp_path: Path) -> None:
    """A uv that fails, as one without a way to the index, and a uv that is not there."""
    failing = tmp_path / "uv"
    failing.write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    failing.chmod(0o700)
    for number, uv in enumerate((failing, tmp_path / "none")):
        folder = tmp_path / f"venv{number}"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        install(uv, str(folder / "bin" / "python"), "--no-deps", "--no-index", str(_wheel(tmp_path)))
        subprocess.run([str(folder / "bin" / "python"), "-c", "import tiny_package"], check=True)


def _wheel(folder: Path) -> Path:
    """Return the wheel of a package with one empty module."""
    path, about = folder / "tiny_package-1-py3-none-any.whl", "tiny_package-1.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny_package.py", "")
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-package\nVersion: 1\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    return path
