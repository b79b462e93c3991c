"""Files and folders of the record, readable by their owner alone: they hold samples of data, logs and names."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

OWNER_ONLY: Final = 0o600
_DRAFT: Final = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
_NEW: Final = os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
_mode: Final = [OWNER_ONLY]


def set_file_mode(mode: int) -> None:
    """Set the mode of files made from here on; a folder gets the right to enter where it gives the right to read."""
    _mode[0] = mode


def folder_mode() -> int:
    """Return the mode of new folders: 0700 for files of 0600."""
    return _mode[0] | (_mode[0] & 0o444) >> 2


def make_folder(path: Path) -> None:
    """Make a folder and those above it. One that is there keeps its mode. Raises `OSError`."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        if path.parent == Path():  # the working directory is gone
            raise
        make_folder(path.parent)
        make_folder(path)
    except OSError:
        if not path.is_dir():
            raise
    else:
        with suppress(OSError):  # a file system without modes
            os.chmod(path, folder_mode())


def create(path: str | Path, flags: int) -> int:
    """Make a file that is not there yet, whatever the umask, and return its descriptor. Raises `FileExistsError`."""
    descriptor = above_standard(os.open(path, flags | _NEW, 0o600))
    _set_mode(descriptor, _mode[0])
    return descriptor


def above_standard(descriptor: int) -> int:
    """Move a descriptor that has the number of a closed standard stream: a C library may write to that number."""
    if descriptor > 2:
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        os.close(descriptor)


def replace(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file whole or not at all, with the folders above it; one that was there is not opened to more users.

    Raises `OSError`.
    """
    target = Path(path)
    make_folder(target.parent)
    draft = target.with_name(f".{_short(target.name)}.{secrets.token_hex(4)}.tmp")
    try:
        with open(create(draft, _DRAFT), "wb") as file:
            _set_mode(file.fileno(), _mode[0] & _mode_of(target))
            file.write(content)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def shared_link(path: Path) -> Path | None:
    """Return the symbolic link on the way to a file that any user may have put there; None if there is none."""
    for part in (path, *path.parents):
        if part.is_symlink() and is_shared(part.parent):
            return part
    return None


def is_shared(folder: Path) -> bool:
    """Return true for a folder to which every user may write, as `/tmp`."""
    try:
        return bool(os.stat(folder).st_mode & stat.S_IWOTH)
    except OSError:
        return False


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return 0o777


def _set_mode(descriptor: int, mode: int) -> None:
    if hasattr(os, "fchmod"):
        with suppress(OSError):  # a file system without modes
            os.fchmod(descriptor, mode)


def _short(name: str) -> str:
    """Leave room for the rest of a draft's name: a name has 255 bytes on most systems."""
    return os.fsdecode(os.fsencode(name)[:200])
