"""A program on a system without the modules and names of POSIX: every import, a run, and every kind of command.

Other libraries, and the modules of the standard library that need POSIX themselves, are loaded first.
"""

import asyncio  # noqa: F401
import importlib
import logging.handlers  # noqa: F401
import multiprocessing.util  # noqa: F401
import os
import pkgutil
import select
import shlex
import signal
import sqlite3  # noqa: F401
import ssl  # noqa: F401
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401

import distributed  # noqa: F401
import duckdb  # noqa: F401
import pandas  # noqa: F401
import polars  # noqa: F401
import psutil  # noqa: F401
import pyarrow  # noqa: F401
import ray  # noqa: F401

MODULES = "fcntl grp posix pty pwd readline resource syslog termios tty"
OF_OS = """
    fchmod fork getegid geteuid getgid getloadavg getpgid getuid mkfifo posix_spawn posix_spawnp pread register_at_fork
    set_blocking statvfs sysconf uname O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK POSIX_SPAWN_OPEN ST_RDONLY WNOHANG
"""
OF_SIGNAL = "pthread_kill pthread_sigmask setitimer SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGXCPU"
COMMANDS = """
    runs; show; logs; errors; watch; history nightly; story; metrics; usage; costs; timing; health --recorded; doctor
    mute nightly; ack x; compare; config show; store status; store verify; store export out; store move there
    store compact; store rebuild; store prune --keep-runs 1; store prune --keep-runs 1 --dry-run; sql "select 1"
"""

for module in MODULES.split():
    sys.modules[module] = None  # type: ignore[assignment]
for owner, names in ((os, OF_OS), (signal, OF_SIGNAL), (select, "poll")):
    for name in names.split():
        if hasattr(owner, name):
            delattr(owner, name)

import odibi_core  # noqa: E402

for found in pkgutil.walk_packages(odibi_core.__path__, "odibi_core."):
    if found.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(found.name)
    except ModuleNotFoundError as error:  # the systems of integrations are in environments of their own
        if not found.name.startswith("odibi_core.integrations.") or (error.name or "odibi_core").startswith(
            "odibi_core"
        ):
            raise

with odibi_core.observe("nightly"):
    odibi_core.node(lambda: [{"n": 1}])()
assert odibi_core.history().sql("select status from runs").rows == [{"status": "success"}]

from typer.testing import CliRunner  # noqa: E402

from odibi_core.cli import app  # noqa: E402

for command in COMMANDS.replace("\n", ";").split(";"):
    if command.strip():
        result = CliRunner().invoke(app, shlex.split(command))
        print(f"{command.strip()} | {result.exit_code} | {' '.join(result.output.split())}")
