"""Files and folders that only their owner can read, and atomic writes of whole files.

The record of a run holds samples of data, logs and names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

OWNER_ONLY: Final = 0o600
_DRAFT_FLAGS: Final = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
_NEW_FLAGS: Final = os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_mode: Final = [OWNER_ONLY]


def set_file_mode(mode: int) -> None:
    """Set the mode of new files; new folders are accessible to the users that may read the files."""
    _mode[0] = mode


def file_mode() -> int:
    """Return the mode of new files."""
    return _mode[0]


def folder_mode() -> int:
    """Return the mode of new folders: 0700 for files of 0600."""
    return _mode[0] | (_mode[0] & 0o444) >> 2


def make_folder(path: Path) -> None:
    """Create a folder and its parents; an existing folder keeps its mode. Raises `OSError`."""
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
    """Create a new file with the set mode, whatever the umask, and return its descriptor. Raises `FileExistsError`."""
    descriptor = above_standard(os.open(path, flags | _NEW_FLAGS, 0o600))
    _set_mode(descriptor, _mode[0])
    return descriptor


def above_standard(descriptor: int) -> int:
    """Return a descriptor above 2: a C library may write to the number of a closed standard stream."""
    if descriptor > 2:
        return descriptor
    try:
        return above_standard(os.dup(descriptor))  # each one that is held takes a lower number
    finally:
        os.close(descriptor)


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a whole file in one step, and return its path.

    A reader sees the old content or the new, never a part of it. Parent folders are created. A file that is replaced
    does not become readable to more users.

    Raises:
        OSError: If the file cannot be written; the old one is then unchanged.
    """
    target = Path(path)
    make_folder(target.parent)
    with _draft(target, content, _mode[0] & _mode_of(target)) as draft:
        os.replace(draft, target)
    return target


def create_atomic(path: Path, content: bytes) -> bool:
    """Write a whole file in one step if there is none; return False if there is one, or if it cannot be written."""
    try:
        with _draft(path, content, _mode[0]) as draft:
            os.link(draft, path)
    except OSError:
        return False
    return True


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write a file atomically through a library: inside, write to the given path, which then becomes the target.

    After an exception the old file is unchanged. Parent folders are created.

    Raises:
        OSError: If the file cannot be written.
    """
    make_folder(target.parent)
    with _draft(target, b"", _mode[0]) as draft:
        yield draft
        os.replace(draft, target)


@contextmanager
def _draft(target: Path, content: str | bytes, mode: int) -> Iterator[Path]:
    """Write a temporary file beside the target, and remove what is left of it at the end."""
    draft = target.with_name(f".{_short(target.name)}.{os.urandom(4).hex()}.tmp")
    try:
        with open(create(draft, _DRAFT_FLAGS), "wb") as file:
            _set_mode(file.fileno(), mode)
            file.write(content if isinstance(content, bytes) else content.encode())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def shared_link(path: Path) -> Path | None:
    """Return the first symbolic link in a path that any user may have created; None if there is none."""
    for part in (path, *path.parents):
        if part.is_symlink() and is_shared(part.parent):
            return part
    return None


def is_shared(folder: Path) -> bool:
    """Return true for a folder to which every user may write, such as `/tmp`."""
    try:
        return bool(os.stat(folder).st_mode & stat.S_IWOTH)
    except OSError:
        return False


def is_own(found: os.stat_result) -> bool:
    """Return true for a file or folder of this user; on a system without numbers of users, as Windows, for each."""
    return not hasattr(os, "geteuid") or found.st_uid == os.geteuid()


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
    """Cut a name so that the draft's name fits into 255 bytes, the limit of most file systems."""
    return os.fsdecode(os.fsencode(name)[:200])
