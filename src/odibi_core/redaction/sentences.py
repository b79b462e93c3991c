"""Secrets in sentences and commands without a sign between name and value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import hides
from odibi_core.redaction.shapes import without_spans

_TOLD: Final = lazy_pattern(
    r"(?i)(?<![\w-])(?:(?:password|passwd|pwd|passphrase|passcode|pin|api[ _-]?key|token|secret|contrase[nñ]a|clave"
    r"|mot de passe|passwort|kennwort|wachtwoord|has[lł]o|пароль|senha)(?:[ \t]++\w++){0,2}?"
    r"[ \t]++(?:is|was|es|est|ist|jest|é|è)(?:[ \t]++now)?"
    r"|(?:with|using|mit|avec|con)(?:[ \t]++the)?[ \t]++"
    r"(?:password|passwd|pwd|passphrase|api[ _-]?key|token|secret|passwort"
    r"|contrase[nñ]a)):?[ \t]++(?P<it>(?=[^\s\d]{0,40}\d)[^\s\"'(]{4,200}+)"
)
"""A sentence with a password, which must have a digit, because `the password is wrong` has none."""
_BEHIND: Final = lazy_pattern(
    r"(?m)(?:^[ \t]*+(?:ENV|ARG|setenv|setx)|(?<![\w-])(?:configure|config)[ \t]++set"
    r"|(?<![\w-])git[ \t]++config(?:[ \t]++--?\w++)*+)[ \t]++(?P<name>[\w./:-]{1,100}+)[ \t]++"
    r"[\"']?(?P<it>[^\s=\"'][^\s\"']*+)"
    r"|(?i:form-data;)[^\r\n\"]{0,60}?name=\"(?P<part>[^\"\r\n]{1,100}+)\"[^\r\n]*+"
    r"(?:\r?\n[^\r\n]++){0,8}+\r?\n\r?\n(?P<held>[^\r\n]++)"
    r"|(?i:ConvertTo-SecureString)(?:[ \t]++-String)?[ \t]++[\"'](?P<secure>[^\"'\r\n]++)"
    r"|'(?P<given>[^'\r\n]{1,200}+)'[ \t]++(?i:as)[ \t]++[\"`]?(?P<alias>\w{1,100}+)"
    r"|(?i:set[ \t]++password[ \t]++for)[ \t]++(?P<user>[^=\r\n;]{1,120}+)=[ \t]*+"
    r"(?i:password[ \t]*+\()?[\"'](?P<told>[^\"'\r\n]++)"
)
"""A name and behind it its value, with no sign between: of commands, of forms in parts, of MySQL's users."""
_BEHIND_SIGN: Final = lazy_pattern(r"ENV|ARG|set|config|form-data|SET|SecureString| [aA][sS] ")


_TOLD_TOGETHER: Final = lazy_pattern(
    r"(?:パスワード|暗証番号|トークン|密码|密碼|口令|密钥|令牌|비밀번호|토큰)[ \t]*+(?:は|是|为|為|이|은|는|가|:)"
    r"[ \t]*+:?[ \t]*+[「『\"'“]?"
    r"(?P<it>[!-~]{3,200}+)"
)
"""The same in scripts that leave no space between words."""
_VERBS: Final = (" is", " was", " es", " ist", " jest", " é", " è", "with ", "using ", "mit ", "avec ", "con ")


def of_sentences(content: str) -> str:
    """Return the text without the values that follow a name without a sign."""
    if any(verb in content for verb in _VERBS):
        content = without_spans(content, [each.span("it") for each in _TOLD.finditer(content)])
    if not content.isascii():
        content = without_spans(content, [each.span("it") for each in _TOLD_TOGETHER.finditer(content)])
    return without_spans(content, _behind(content)) if _BEHIND_SIGN.search(content) else content


def _behind(content: str) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each value that follows a name without a sign."""
    for match in _BEHIND.finditer(content):
        group = next(each for each in ("it", "held", "told", "secure", "given") if match[each])
        if hides(match["name"] or match["part"] or match["alias"] or "password", match[group]):
            yield match.span(group)
