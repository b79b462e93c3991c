"""Values that are no secret although the name of one precedes them: types, states, paths, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from odibi_core.redaction.lazy_pattern import lazy_pattern

_WORDS: Final = """
    none null nil true false nan undefined yes no on off ok unset required optional missing invalid valid expired
    revoked enabled disabled unknown empty redacted [redacted] n/a not_set not-set present absent failed rejected
    accepted denied incorrect wrong mandatory hidden masked default changed unchanged rotated refreshed active
    inactive open opened closed started stopped ended running idle ready locked unlocked pending created deleted updated
    loaded saved found success successful
"""
_SAYS: Final = frozenset(_WORDS.split()) | {"", "not set", "not found", "is required", "not null"}
_TYPE_NAMES: Final = """
    secretstr final classvar any str string text longtext mediumtext clob blob bytea bytes byte binary varbinary raw int
    int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 integer bigint smallint tinyint number numeric float float32
    float64 double decimal bool boolean char nchar varchar nvarchar varchar2 nvarchar2 character uuid uniqueidentifier
    date time datetime timestamp timestamptz object array list dict map json jsonb utf8 category categorical enum
    stringtype binarytype longtype integertype largeutf8
"""
_TYPES: Final = frozenset(_TYPE_NAMES.split())
_TYPE: Final = lazy_pattern(
    r"(?:optional\[|list\[|array<|nullable\(|union\[|pl\.|np\.|pa\.|sa\.)*"
    rf"(?:{'|'.join(sorted(_TYPES, key=len, reverse=True))}"
    r"|character varying|large_string|[a-z]{3,12}type|string\[\w{1,20}\]|dtype\(.{1,20}\))"
    r"(?:\s{0,4}\(\s{0,4}(?:[0-9]{1,10}|max)(?:\s{0,4},\s{0,4}[0-9]{1,10})?\s{0,4}\))?"
    r"(?:\(\))?(?:\]|>|\)|\s{1,4}\|\s{1,4}none|\s{1,4}(?:not null|null|unique|primary key))*+",
    re.IGNORECASE,
)
_REFERENCE: Final = lazy_pattern(
    r"\$\{\{?[^{}:]{1,200}\}?\}|\$\(?[A-Z_][A-Z0-9_]{1,80}\)?|\$[0-9]{1,3}|\{\{[^{}]{1,200}\}\}|%\([\w.]{1,80}\)s|%s|\?"
    r"|%[A-Z_]{2,80}%|:[a-z_]\w{0,80}|@[a-z_]\w{0,80}|<[A-Za-z][A-Za-z _-]{0,60}>|\{[a-z_]{1,60}\}"
    r"|\*{3,}|[xX]{3,}|•+|\.{3,}|…|env(?::|\.)\w{1,80}|env\(\w{1,80}\)"
    r"|(?:self|cls|cfg|conf|config|settings|args|opts|options|os\.environ|env|secrets|vault|var|local|data|module)"
    r"(?:\.[a-zA-Z_]\w{0,80}){1,8}"
    r"|os\.environ\[.{1,100}\]|os\.environ\.get\([\"']\w{1,100}[\"']\)|(?:os\.)?getenv\([\"']\w{1,100}[\"']\)"
    r"|(?:arn:aws:(?:secretsmanager|ssm)|op|vault|ssm|secretsmanager|keyvault|gcp-?sm|awssm):[\w/:.#@ -]{1,300}"
    r"|projects/[\w-]{1,80}/secrets/[\w/-]{1,200}|@Microsoft\.KeyVault\(.{1,300}\)"
)
_PATH: Final = lazy_pattern(
    r"(?:file:/{2,3}|(?:s3a?|gs|abfss?|dbfs|hdfs):/{1,2}|[A-Za-z]:[\\/]{1,2}|~?/|\.{1,2}[\\/])?"
    r"(?:[\w.@ -]{1,100}[\\/]{1,2}){0,30}[\w@-][\w.@-]{0,100}"
    r"\.(?:json|pem|key|crt|cer|cert|pub|p8|p12|pfx|jks|keystore|txt|ya?ml|toml|ini|cfg|conf|env|csv|parquet|py|sql|db|log)"
    r"|~?/(?:etc|var|run|home|opt|usr|root|tmp|mnt|secrets?|app|srv|data|vault|workspace|config|Users|dev|proc)(?:/[\w.@-]{1,100}){1,30}/?"
)
_KEYWORDS: Final = """
    type types format description title nullable required minLength maxLength pattern readOnly writeOnly items dtype
    name length properties $ref mode min_length max_length doc logicalType unique primary_key index
"""
_SCHEMA: Final = frozenset(_KEYWORDS.split())


def is_no_secret(value: Any) -> bool:
    """Return whether a value describes a secret, its absence or its location, and is no secret itself."""
    if isinstance(value, str):
        return _says_nothing(value)
    if isinstance(value, Mapping):
        return not value or is_schema(value)
    return isinstance(value, (list, tuple, set, frozenset)) and not value


def is_schema(value: Mapping[Any, Any]) -> bool:
    """Return whether a mapping describes a field, as JSON Schema, Avro and dtypes do, and holds no value."""
    kind = value.get("type", value.get("dtype"))
    kinds = kind if isinstance(kind, (list, tuple)) else [kind]
    return _SCHEMA.issuperset(value) and all(
        isinstance(each, str) and (each == "null" or _TYPE.fullmatch(each)) for each in kinds
    )


def _describes(written: str) -> bool:
    """Return whether a text in braces is such a mapping."""
    import json  # here, because most values are no text in braces

    try:
        value = json.loads(written.replace("'", '"'))
    except ValueError:
        return False
    return isinstance(value, dict) and is_no_secret(value)


def _says_nothing(value: str) -> bool:
    if len(value) > 400:
        return False
    if value[:1] == "{" and value[-1:] == "}" and _describes(value):
        return True
    lowered = value.strip().lower()
    if lowered in _SAYS or lowered in _TYPES or lowered in ("[]", "()"):
        return True
    if value.isalnum():
        return False
    return (
        _TYPE.fullmatch(value) is not None
        or _REFERENCE.fullmatch(value) is not None
        or _PATH.fullmatch(value) is not None
    )
