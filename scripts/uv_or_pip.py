"""Install requirements into an environment: by the uv of this environment, else by pip.

python scripts/uv_or_pip.py PYTHON ARGUMENT...

The arguments are those of `pip install` that uv has too. uv does not read the configuration of pip, so its indexes,
folders, certificates and constraints are passed on. A variable of uv that is set precedes them.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}
"""The variable of uv for a setting of pip, and what stands between its values."""
LIKE_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
"""For pip all indexes are equal."""


def configured(listed: str) -> dict[str, list[str]]:
    """Return the values of each setting in the output of `pip config list`; variables precede files."""
    found: dict[str, list[str]] = {}
    lines = [line.partition("=") for line in listed.splitlines()]
    for part in ("global.", "install.", ":env:."):
        for name, _, value in lines:
            if name.startswith(part):
                found[name.removeprefix(part)] = str(ast.literal_eval(value)).split()
    return found


def variables(settings: Mapping[str, list[str]], given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of uv for settings of pip, without those that are given."""
    found = {
        variable: separator.join(settings[name])
        for name, (variable, separator) in VARIABLES.items()
        if name in settings
    }
    return {name: value for name, value in {**LIKE_PIP, **found}.items() if name not in given}


def install(uv: Path, python: str, *arguments: str) -> None:
    """Install into the environment of an interpreter, by pip if there is no uv or if uv fails.

    Raises:
        subprocess.CalledProcessError: pip could not install it either.
    """
    if uv.exists():
        listed = subprocess.run([*_pip(), "config", "list"], stdout=subprocess.PIPE, text=True, check=True).stdout
        settings = configured(listed)
        constraints = [part for path in settings.get("constraint", ()) for part in ("-c", path)]
        command = [str(uv), "pip", "install", "-q", "--python", python, *constraints, *arguments]
        if subprocess.run(command, env={**os.environ, **variables(settings, os.environ)}, check=False).returncode == 0:
            return
        print("uv could not install it; installing by pip", file=sys.stderr)
    subprocess.run([*_pip("--python", python), "install", "-q", "--no-compile", *arguments], check=True)


def _pip(*options: str) -> list[str]:
    return [sys.executable, "-m", "pip", *options]


if __name__ == "__main__":
    try:
        install(Path(sys.executable).with_name("uv"), *sys.argv[1:])
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
