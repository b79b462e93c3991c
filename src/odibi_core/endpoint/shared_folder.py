"""The folder that all processes of one user on one machine share."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def shared_folder(temporary: Path) -> Path | None:
    """Return `<temporary>/odibi-<user id>`, created for this user alone.

    Returns None if it cannot be created, or if another user created it, because then it is not trusted.
    """
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = temporary / ("odibi" if user is None else f"odibi-{user}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    private = user is None or (found.st_uid == user and not found.st_mode & 0o077)
    return folder if stat.S_ISDIR(found.st_mode) and private else None
