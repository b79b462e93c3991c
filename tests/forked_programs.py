"""Programs that begin with the large libraries loaded: a server loads them once, and forks for each program.

`odibi` and `python FILE` are commands of the folder that `commands` returns. odibi-core itself is not loaded before the
fork: each program imports it, in its own folder, with its own environment and streams, and ends as an interpreter ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

LOADED = ("typer.main", "typer.rich_utils", "typer.testing", "rich.table", "rich.traceback", "msgspec.json", "pandas",
          "pyarrow.parquet", "duckdb", "psutil", "concurrent.futures.thread", "multiprocessing.connection",
          "unittest.mock", "http.client", "sqlite3", "tomllib", "logging.handlers", "email.message")  # fmt: skip
"""The imports of most programs; none starts a thread of Python."""
CLIENT = """#!{python} -IS
import json, os, socket, sys

name = os.path.basename(sys.argv[0])
if name == "python" and (len(sys.argv) == 1 or sys.argv[1].startswith("-")):
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [b"."], [0, 1, 2])
server.sendall(json.dumps([[name, *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode())
server.shutdown(socket.SHUT_WR)
sys.exit(int(server.recv(16)))
"""


@contextlib.contextmanager
def commands(folder: Path) -> Iterator[Path]:
    """Run the server, and yield the folder of its commands."""
    address, place = str(folder / "socket"), folder / "bin"
    place.mkdir()
    for name in ("odibi", "python"):
        (place / name).write_text(CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
        (place / name).chmod(0o700)
    with subprocess.Popen([sys.executable, __file__, address], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == b"ready\n"
            yield place
        finally:
            server.kill()


def program(address: str) -> list[str]:
    """Wait for programs; return the arguments of one in the process that is to be it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(16)
        print("ready", flush=True)
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                break
            client.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    with client.makefile("rb") as request:
        arguments, folder, environment = json.loads(request.read())
    if child := os.fork():
        for stream in streams:
            os.close(stream)
        client.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256).encode())
        os._exit(0)
    client.close()
    _become(streams, folder, environment)
    return list(arguments)


def _become(streams: list[int], folder: str, environment: dict[str, str]) -> None:
    """Take the streams, the folder and the environment of a program that was just started."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", 1 if os.isatty(1) else -1, "utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def main(address: str) -> None:
    """Serve; in a program's process, run it and end as an interpreter ends, but for the objects of the libraries."""
    for module in LOADED:
        import_module(module)
    gc.collect()
    gc.freeze()
    arguments = program(address)
    code = 0
    try:
        _run(*arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(name: str, *arguments: str) -> None:
    if name == "odibi":
        sys.argv = [str(Path(sys.executable).with_name("odibi")), *arguments]
        sys.orig_argv = [sys.executable, *sys.argv]
        from odibi_core.cli import main as odibi

        sys.exit(odibi())  # type: ignore[func-returns-value]  # as the script that pip writes
    sys.argv, sys.orig_argv = list(arguments), [sys.executable, *arguments]
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    sys.path[0] = str(Path(sys.executable).parent)  # the folder of `odibi`, and not that of this file
    main(sys.argv[1])
