"""The parts of a key that come from a SQL text: its tokens, and the files that it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.cache.files import Guard, local_parts
from odibi_core.engines import sql_files
from odibi_core.engines.digests import Digest, NotDigestibleError

_IMPURE_TEXT: Final = """
    now random uuid gen_random_uuid uuidv4 uuidv7 setseed today current_date current_time current_timestamp
    localtime localtimestamp get_current_time get_current_timestamp transaction_timestamp txid_current nextval
    currval getenv getvariable current_setting current_user session_user user pg_backend_pid tablesample sample
    version attach install load set pragma call create insert update delete export import glob sniff_csv read_text
    read_blob query query_table
"""
_IMPURE: Final = frozenset(_IMPURE_TEXT.split())


_QUOTED: Final = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$)|(?:\s+|--[^\n]*|/\*.*?\*/)+""", re.DOTALL)
_DOUBTFUL: Final = re.compile(r"(?i)\be'|\$\w+\$|/\*(?:(?!\*/).)*/\*", re.DOTALL)
"""Texts with escapes, tagged quotes and nested comments: these are compared as they are."""


def without_comments(text: str) -> str:
    """Return a SQL text with one space for each run of spaces and comments; its quoted parts are unchanged."""
    if _DOUBTFUL.search(text):
        return text
    return _QUOTED.sub(lambda found: found[1] or " ", text).strip()


def sql_parts(text: str, parameters: Mapping[str, Any], guard: Guard, *, anyway: bool = False) -> dict[str, str]:
    """Return the parts of a SQL text; comments and spaces have no part in it.

    Raises:
        NotDigestibleError: It writes, or depends on more than its tables, its parameters and its files.
    """
    if len(text) > sql_files.LONGEST:
        raise NotDigestibleError(f"its SQL is longer than {sql_files.LONGEST:,} characters")
    impure = [each.text for each in sql_files.tokens_of(text) if each.kind == "word" and each.text.lower() in _IMPURE]
    if impure and not anyway:
        raise NotDigestibleError(f"its SQL uses {impure[0]}, which depends on more than its inputs")
    parts = {"the SQL text": Digest().bytes(without_comments(text)).hex()}
    for access, path, format in sql_files.files_of(text, parameters):
        if access != "read":
            raise NotDigestibleError("its SQL writes a file")
        parts |= local_parts(path, format, None, guard)
    return parts
