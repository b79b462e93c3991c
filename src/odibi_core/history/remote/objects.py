"""The objects of a shared store: the operations that shipping and reading need, on a folder or an object store.

Objects are written whole and are never changed. A name is relative to the prefix of the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from odibi_core import private_files
from odibi_core.errors import RemoteStoreError
from odibi_core.events.clock import new_id
from odibi_core.history.remote.address import Address, folder_of


class Found(NamedTuple):
    """An object of a listing."""

    name: str
    size: int
    modified: float
    """Seconds since the epoch, by the clock of the store."""


class Objects(Protocol):
    """The objects below one prefix. Every method may be called in any thread.

    An object that is not there is a `FileNotFoundError` of `read`; every other failure is a `RemoteStoreError`, with
    a message that names what to do.
    """

    def folders(self, name: str) -> list[str]:
        """Return the names directly below `name` that have objects below them."""
        ...

    def find(self, name: str) -> list[Found]:
        """Return every object below `name`, in the order of the names."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of an object."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write an object whole: a reader gets all of it or nothing."""
        ...

    def upload(self, name: str, path: Path) -> None:
        """Write the content of a file as an object, without holding it in memory."""
        ...

    def download(self, name: str, path: Path) -> None:
        """Write an object into a new file, without holding it in memory."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""
        ...


def open_objects(address: Address) -> Objects:
    """Return the objects at an address. Nothing is read or written yet.

    >>> from odibi_core.history.remote.address import read_address
    >>> open_objects(read_address("file:///mnt/share/odibi")).folder.name
    'odibi'
    """
    if address.protocol == "file":
        return FolderObjects(folder_of(address))
    from odibi_core.history.remote.object_store import ObjectStore

    return ObjectStore(address)


class FolderObjects:
    """Files of a shared folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folders(self, name: str) -> list[str]:
        """Return the names of the folders directly below `name`."""
        try:
            with os.scandir(self.folder / name) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            self._require()
            return []
        except OSError as error:
            raise self._failure(error) from error

    def find(self, name: str) -> list[Found]:
        """Return every file below `name`; drafts that are being written are left out."""
        return sorted(self._walk(self.folder / name))

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file by a draft and a rename."""
        try:
            private_files.write_atomic(self.folder / name, content)
        except OSError as error:
            raise self._failure(error) from error

    def upload(self, name: str, path: Path) -> None:
        """Copy a file by a draft and a rename."""
        import shutil

        target = self.folder / name
        draft = target.with_name(f".{target.name}.{new_id(8)}.tmp")
        try:
            private_files.make_folder(target.parent)
            shutil.copyfile(path, draft)
            os.replace(draft, target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise self._failure(error) from error

    def download(self, name: str, path: Path) -> None:
        """Copy a file."""
        import shutil

        try:
            shutil.copyfile(self.folder / name, path)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise self._failure(error) from error

    def _walk(self, folder: Path) -> Iterator[Found]:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        yield from self._walk(Path(entry.path))
                    elif not entry.name.endswith(".tmp"):
                        stat = entry.stat()
                        yield Found(os.path.relpath(entry.path, self.folder), stat.st_size, stat.st_mtime)
        except FileNotFoundError:  # removed meanwhile, or never written
            return
        except OSError as error:
            raise self._failure(error) from error

    def _require(self) -> None:
        """Raise if the shared folder is not there, such as a share that is not mounted."""
        if not self.folder.is_dir() and not self.folder.parent.is_dir():
            raise RemoteStoreError(f"the shared folder {self.folder} is not there; mount it, or correct the address")

    def _failure(self, error: OSError) -> RemoteStoreError:
        return RemoteStoreError(f"the shared folder {self.folder} cannot be used: {error.strerror or error}")
