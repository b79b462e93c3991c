"""Passwords behind short options of commands, in a line of text and in a list of arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.shapes import without_spans
from odibi_core.redaction.values import value_at

_WRITTEN_TO = "written to it"
_APART = "apart"
_EITHER = "either"

# Commands, the options that a password follows, how: written to the option, apart from it, or either way. A login is
# `user:password`, of which what stands behind the sign is hidden.
_TABLE: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        """mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlcheck mysqlslap mysqlbinlog mysqlpump mariadb
        mariadb-dump mariadb-admin mariadb-import mariadb-show mariadb-check 7z 7za 7zr 7zz rar unrar""",
        "-p", _WRITTEN_TO, "",
    ),
    ("sshpass", "-p", _EITHER, ""),
    (
        """mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat twine beeline cqlsh influx hdbsql
        rabbitmqadmin ncftpput ncftpget exaplus xfreerdp rdesktop dsbulk""",
        "-p", _APART, "",
    ),
    ("sqlcmd bcp osql tsql mssql-cli ipmitool mosquitto_pub mosquitto_sub zip unzip fastload", "-P", _EITHER, ""),
    ("redis-cli keydb-cli valkey-cli", "-a", _APART, ""),
    ("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd ldapcompare vsql", "-w", _EITHER, ""),
    ("plink pscp psftp putty nzsql nzload", "-pw", _APART, ""),
    ("openssl", "-k -passin -passout -pass", _APART, ""),
    ("curl", "-u --user -U --proxy-user", _EITHER, ":"),
    ("http https xh", "-a --auth", _EITHER, ":"),
    ("smbclient rpcclient smbget", "-U --user", _EITHER, "%"),
    ("lftp", "-u --user", _APART, ","),
)  # fmt: skip
_LOGGING_IN: Final = "docker podman nerdctl buildah skopeo crane helm oras az oc cf ibmcloud argocd rancher"
"""Commands whose `-p` is a password only in their login subcommand."""


class _Habit(NamedTuple):
    options: tuple[str, ...]
    how: str
    sign: str
    needs_login: bool = False


_HABITS: Final = {
    **{
        command: _Habit(tuple(sorted(options.split(), key=len, reverse=True)), how, sign)
        for commands, options, how, sign in _TABLE
        for command in commands.split()
    },
    **dict.fromkeys(_LOGGING_IN.split(), _Habit(("-p",), _APART, "", needs_login=True)),
}
_ARGUMENT: Final = r"(?:[\w./:@-]{1,100}+[\"']?,?[ \t]++[\"']?)"
_BEGUN: Final = r"(?:\.exe)?[\"']?,?[ \t\\\r\n]++[\"']?"


def _named(tight: bool) -> str:
    """Return the commands with the password attached to the option, or the others, as an alternative of a pattern."""
    names = [name for name, habit in _HABITS.items() if (habit.how == _WRITTEN_TO) is tight]
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_BEGINNING: Final = (
    rf"(?<![\w.-])(?P<command>(?:{_named(True)})(?={_BEGUN}{_ARGUMENT}?-)"
    rf"|(?:{_named(False)})(?={_BEGUN}{_ARGUMENT}{{0,4}}-|[^\r\n;|&]{{0,60}}[ \"'](?:login|sql)\b))"
)
_COMMAND: Final = lazy_pattern(_BEGINNING)
_SIGNS: Final = lazy_pattern(
    rf"(?P<end>(?<!\\)[\r\n]|[;|]|&(?!amp;|[\w.%-]+=))"
    rf"|{_BEGINNING}"
    rf"|(?<=[ \t\"'])(?P<login>login|sql)(?=[ \t\"',])"
    rf"|(?<=[ \t\"'])(?P<option>--?[A-Za-z][A-Za-z-]*+)"
)
_APART_SIGN: Final = lazy_pattern(r"[\"']?(?:,?[ \t]++|=)")
_MOST: Final = 2_000
_OPENSSL: Final = lazy_pattern(r"(?:env|file|fd|stdin)(?::|\b)")
# Passwords without an option: the password is the group.
_POSITIONS: Final = (
    ("machine", lazy_pattern(
        r"(?<![\w-])(?:machine[ \t]++\S++|default)\s++(?:(?:login|account)\s++\S++\s++){0,2}password\s++(?P<it>\S++)")),
    ("login", lazy_pattern(r"(?<![\w-])login[ \t]++\S++\s++(?:account[ \t]++\S++\s++)?password\s++(?P<it>\S++)")),
    ("sqlplus", lazy_pattern(r"(?<![\w-])sqlplus(?:[ \t]++-\w++)*+[ \t]++[\"']?\w++/(?P<it>[^\s@\"'/]++)")),
    ("dp ", lazy_pattern(r"(?<![\w-])(?:expdp|impdp)[ \t]++[\"']?\w++/(?P<it>[^\s@\"'/]++)")),
    ("jdbc:oracle", lazy_pattern(r"jdbc:oracle:\w++:[\w$#]++/(?P<it>[^\s@\"']++)@")),
    ("htpasswd", lazy_pattern(r"(?<![\w-])htpasswd[ \t]++-\w*b\w*+[ \t]++\S++[ \t]++\S++[ \t]++(?P<it>\S++)")),
    ("net user", lazy_pattern(r"net[ \t]++user[ \t]++\S++[ \t]++(?P<it>[^\s/]\S*+)(?=[ \t]++/)")),
    ("nmcli", lazy_pattern(r"nmcli[ \t]++[^\r\n]{0,200}?[ ]password[ \t]++(?P<it>\S++)")),
    ("requirepass", lazy_pattern(r"(?m)^[ \t]*+requirepass[ \t]++(?P<it>\S++)")),
    ("masterauth", lazy_pattern(r"(?m)^[ \t]*+masterauth[ \t]++(?P<it>\S++)")),
    ("pw ", lazy_pattern(r"(?m)^[ \t]*+(?:rootpw|bindpw)[ \t]++(?P<it>\S++)")),
    ("vault login", lazy_pattern(r"vault[ \t]++login(?:[ \t]++-\S++)*+[ \t]++(?P<it>[^\s=-][^\s=]{7,}+)(?!=)")),
    ("db2", lazy_pattern(r"(?i)connect[ \t]++to[ \t]++\S++[ \t]++user[ \t]++\S++[ \t]++using[ \t]++(?P<it>\S++)")),
    ("net use", lazy_pattern(
        r"net[ \t]++use[ \t]++\S++(?:[ \t]++\\\\\S++)?[ \t]++/user:\S++[ \t]++(?P<it>[^\s/]\S*+)")),
    ("echo", lazy_pattern(
        r"(?<![\w-])echo(?:[ \t]++-[en])?[ \t]++[\"']?(?P<it>[^\s\"'|$]++)[\"']?[ \t]*+\|[ \t]*+"
        r"(?:sudo[ \t]++-S|docker[ \t]++login|(?:sudo[ \t]++)?(?:chpasswd|passwd))")),
    (":", lazy_pattern(
        r"(?m)^(?![0-9a-fA-F:]*+$)[\w.*-]++:(?:[0-9]{4,5}|\*):(?![0-9]++:)[\w*.-]++:[\w*.@-]++:(?P<it>[^\s:][^\r\n]{0,200}+)")),
)  # fmt: skip
"""`.netrc`, tools of Oracle, `htpasswd -b`, DB2, Windows, what is piped to a prompt, and lines of `.pgpass`."""


def may_be_a_command(content: str) -> bool:
    """Return whether a text may hold a command line, or a line of a file of passwords."""
    return (
        " -" in content
        or ":" in content
        or "/" in content
        or "password" in content
        or "'-" in content
        or '"-' in content
        or "|" in content
        or "vault" in content
        or "net user" in content
        or "masterauth" in content
        or "requirepass" in content
        or " using " in content
    )


def without_given(content: str, role: str = "") -> str:
    """Return the text without the passwords of commands."""
    for sign, position in _POSITIONS:
        if sign in content:
            content = without_spans(content, [match.span("it") for match in position.finditer(content)])
    return without_spans(content, _spans(content))


def _spans(content: str) -> list[tuple[int, int]]:
    """Return the start and the end of each password behind an option."""
    spans: list[tuple[int, int]] = []
    habit: _Habit | None = None
    logs_in = False
    done = 0
    first = _COMMAND.search(content)
    for match in _SIGNS.finditer(content, first.start()) if first else ():
        if match.start() < done:
            continue
        if len(spans) >= _MOST:
            return [*spans, (match.start(), len(content))]
        if match["end"] or match["command"]:
            habit, logs_in = _HABITS.get(match["command"] or ""), False
        elif match["login"]:
            logs_in = True
        elif habit and (logs_in or not habit.needs_login):
            start, end = _given(content, habit, match)
            if end > start:
                spans.append((start, end))
                done = end
                habit = None if habit is _HABITS["sshpass"] else habit  # the next option is the command's that it runs
    return spans


def _given(content: str, habit: _Habit, match: re.Match[str]) -> tuple[int, int]:
    """Return the start and the end of the password of this option; both 0 if it takes none."""
    option = next((each for each in habit.options if match[0].startswith(each)), None)
    if option is None:
        return 0, 0
    behind = match.start() + len(option)
    apart = _APART_SIGN.match(content, behind)
    if apart and habit.how != _WRITTEN_TO:
        behind = apart.end()
    elif apart or habit.how == _APART or option.startswith("--"):
        return 0, 0
    if content.startswith("-", behind):
        return 0, 0
    start, end = value_at(content, behind, "password")
    return _secret_part(content, habit, start, end)


def _secret_part(content: str, habit: _Habit, start: int, end: int) -> tuple[int, int]:
    if habit.sign:
        at = content.find(habit.sign, start, end)
        return (at + 1, end) if at >= 0 and not content.startswith("//", at + 1) else (0, 0)
    if habit is _HABITS["openssl"]:
        return (0, 0) if _OPENSSL.match(content, start) else (start + 5 * content.startswith("pass:", start), end)
    return start, end


def is_command(item: Any) -> bool:
    """Return whether the item of a list is one of the commands of the table."""
    return type(item) is str and len(item) < 200 and item.rpartition("/")[2].removesuffix(".exe") in _HABITS


def hidden_words(items: Sequence[Any]) -> dict[int, int]:
    """Return the indexes of arguments with a password, each with the number of characters to keep."""
    first = next((at for at, item in enumerate(items) if is_command(item)), None)
    if first is None:
        return {}
    found: dict[int, int] = {}
    habit: _Habit | None = None
    logs_in, awaited = False, False
    for at, word in enumerate(items[first:], first):
        if not isinstance(word, str):
            awaited = False
        elif is_command(word) and not awaited:
            habit = _HABITS[word.rpartition("/")[2].removesuffix(".exe")]
        elif awaited and habit:
            _keep(found, at, word, 0, habit)
            awaited, habit = False, None if habit is _HABITS["sshpass"] else habit
        elif habit and (logs_in or not habit.needs_login):
            option = next((each for each in habit.options if word.startswith(each)), None)
            awaited = option == word and habit.how != _WRITTEN_TO
            if option and not awaited and option != word and habit.how != _APART and not option.startswith("--"):
                _keep(found, at, word, len(option), habit)
        logs_in = logs_in or word in ("login", "sql")
    return found


def _keep(found: dict[int, int], at: int, word: str, start: int, habit: _Habit) -> None:
    """Record the number of characters of a word to keep: those before the password."""
    if not habit.sign:
        found[at] = start
    elif habit.sign in word:
        found[at] = word.index(habit.sign, start) + 1
