"""Logins in URLs and e-mail addresses: the parts of a text with an `@` that hold a password or belong to a person."""

from __future__ import annotations

import re
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import ADDRESS, ORDINARY
from odibi_core.redaction.shapes import HIDDEN, without_spans

_SCHEME: Final = lazy_pattern(r"[^\s\"'<>`]*+")
_SIGNATURE: Final = lazy_pattern(r"(?i)([?&;](?:sig|signature|x-(?:amz|goog)-(?:signature|credential))=)[^\s&\"'<>]++")
_LOGIN: Final = lazy_pattern(
    r"(?<![\w.%+-])(?!(?:npm|file|https?|ssh|git|mailto|sip|docker|oci)(?i::))[\w.%+-]++:(?!git@)[^\s@:/\\\"'<>(){}\[\],;]{1,256}+@"
    r"(?=(?:localhost|[A-Za-z][\w-]*+(?![\w:@])|[A-Za-z][\w-]*+(?=:[0-9]|[./])(?!\.[0-9])"
    r"|[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}))"
)
_DIGEST: Final = lazy_pattern(r"(?:sha(?:1|224|256|384|512)|md5)\b")
_ADDRESS: Final = lazy_pattern(
    r"(?:(?<![\w.%+-])(?<!\w')[\w.%+-]++(?:'[\w.%+-]++)*+|\"[^\"\n@]{1,64}+\")@(?P<domain>[^\W_](?:[\w.-]{0,252}[^\W_])?)"
)
_COUNTRIES: Final = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf
    cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf
    gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km
    kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz
    na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw qa re ro rs ru rw sa sb sc sd se sg sh
    si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve
    vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC: Final = """
    com org net edu gov mil int info biz name pro aero coop museum jobs mobi travel tel asia cat post xxx app dev page
    web cloud tech online site store shop blog email mail live life world today news media agency company group
    solutions services consulting digital design studio software systems network academy school university institute
    health care clinic hospital bank finance money capital fund insurance law legal hotel restaurant cafe art music
    london paris berlin hamburg wien amsterdam nyc tokyo swiss eus gal scot wales moscow istanbul brussels koeln
    example test club fun icu xyz top vip work works space website press host link click zone center plus house
    energy eco green farm bio science global international ltd gmbh inc llc team social community foundation ngo ong
    family love team one earth
"""
_TOP_DOMAINS: Final = frozenset(f"{_COUNTRIES} {_GENERIC}".split())
_FILES: Final = frozenset({"zip", "mov", "py", "rs", "sh", "so", "ps"})
"""Of these a file's name ends as often: it needs a domain of three parts."""
_NO_PERSONS: Final = (".core.windows.net", ".gserviceaccount.com", ".database.windows.net", ".noreply.github.com")
_NO_NAMES: Final = frozenset({"git", "hg", "svn"})
_TO_A_PATH: Final = lazy_pattern(r":(?![\s/])(?:[\w.~+-]*/|[\w.-]*\.git\b)|:/(?!/)")
_REMOTE: Final = lazy_pattern(r"\b(?:ssh|scp|sftp|rsync|mosh|autossh|ssh-copy-id)\b[^\r\n;|]*$")
_BEFORE: Final = 120


def without_logins(content: str, role: str = ORDINARY) -> str:
    """Hide the login of every URL of a text, as `://[REDACTED]@host/…`, and the signatures in queries."""
    for separator in ("://", ":\\/\\/"):
        if separator in content:
            first, *rests = content.split(separator)
            before = [first, *rests]
            after = [_without_login(rest, before[at]) for at, rest in enumerate(rests)]
            content = separator.join([first, *after])
    content = _SIGNATURE.sub(rf"\1{HIDDEN}", content)
    return _without_bare_logins(content) if "@" in content else content


def _without_login(rest: str, before: str) -> str:
    """Hide the login in the text after a `://`; a password may itself hold `/` or `@`."""
    end = _SCHEME.match(rest)
    url = end[0] if end else ""
    authority = url.partition("/")[0]
    port = authority.partition(":")[2]
    if "@" in authority:
        user = authority[: authority.rindex("@")]
        return rest if _is_mere_user(user, before[-8:].lower()) else f"{HIDDEN}{rest[authority.rindex('@') :]}"
    if port and not port.isdigit() and "@" in url:
        return f"{HIDDEN}{rest[url.rindex('@') :]}"
    return rest


_TOKEN_LIKE: Final = lazy_pattern(r"(?=[^0-9]*+[0-9])[\w.~+=-]{16,}+")
_WEB_TOKEN: Final = lazy_pattern(r"(?=[^0-9]*+[0-9])[\w.~+=-]{8,}+|[\w.~+=-]{20,}+")
"""On the web a user without a password is as a rule a token."""


def _is_mere_user(user: str, scheme: str) -> bool:
    """Return whether a URL names a user or a container before its `@`, and neither a password nor a token."""
    if scheme.endswith(("abfs", "abfss", "wasb", "wasbs")):
        return True
    shape = _WEB_TOKEN if scheme.endswith(("http", "https")) else _TOKEN_LIKE
    return ":" not in user and "%3A" not in user and not shape.fullmatch(user)


def _without_bare_logins(content: str) -> str:
    """Hide `user:password` before a host."""
    spans = [
        (match.start(), match.end() - 1)
        for match in _LOGIN.finditer(content)
        if not _DIGEST.match(content, match.end())
    ]
    return without_spans(content, spans)


def without_addresses(content: str, role: str = ORDINARY) -> str:
    """Return the text without e-mail addresses."""
    spans = [
        match.span()
        for match in _ADDRESS.finditer(content)
        if "." in match["domain"] and _is_mail(content, role, match)
    ]
    return without_spans(content, spans)


def _is_mail(content: str, role: str, match: re.Match[str]) -> bool:
    """Return whether mail goes to an address, judged by its domain and the text around it."""
    name, domain = match[0][: match.start("domain") - match.start() - 1], match["domain"].lower()
    if not _has_mail(domain, role) or name.lower() in _NO_NAMES or domain.endswith(_NO_PERSONS):
        return False
    if content[match.start() - 1 : match.start()] in ("/", "@") or _TO_A_PATH.match(content, match.end()):
        return False
    return not _REMOTE.search(content[max(0, match.start() - _BEFORE) : match.start()])


def _has_mail(domain: str, role: str) -> bool:
    *labels, top = domain.split(".")
    if not labels or not all(labels) or len(top) < 2 or any(sign.isdigit() for sign in top):
        return top.startswith("xn--") and bool(labels)
    if role == ADDRESS or not top.isascii():
        return True
    return top in _TOP_DOMAINS and (top not in _FILES or len(labels) > 1) and not _is_version(labels)


def _is_version(labels: list[str]) -> bool:
    """Return whether the labels before the last dot are numbers, as in `@2.0.io`."""
    return all(label.lstrip("v").isdigit() for label in labels)
