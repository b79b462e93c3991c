"""Names of secrets in ten languages, and tricks of Unicode that hide a name from a comparison of letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.redaction_corpus.corpus import Kind, Row

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "Spanish": ("contraseña", "contrasena", "clave_secreta", "clave_api", "clave_privada"),
    "French": ("mot_de_passe", "motdepasse", "motDePasse", "clé_api", "clé_privée"),
    "German": ("Passwort", "Kennwort", "passwort_neu", "dbPasswort", "Geheimnis", "Zugangsdaten"),
    "Dutch": ("wachtwoord", "gebruikers_wachtwoord", "toegangscode", "geheim"),
    "Polish": ("hasło", "haslo", "nowe_hasło", "tajny_klucz"),
    "Russian": ("пароль", "новый_пароль", "секрет", "токен"),
    "Chinese": ("密码", "用户密码", "密碼", "口令", "密钥"),
    "Japanese": ("パスワード", "暗証番号", "秘密鍵", "合言葉"),
    "Portuguese": ("senha", "palavra_passe", "nova_senha", "chave_privada"),
    "Italian": (
        "parola_d_ordine",
        "parola_chiave_segreta",
        "chiave_privata",
        "chiave_segreta",
        "credenziali",
    ),
}
SAID: Final = ("{}=«!pw»", "{}: «!pw»", '{{"{}": "«!sym»"}}', "the file says {} = '«!pw»' in line 3")
FULL_WIDTH: Final = {ord(letter): ord(letter) + 0xFEE0 for letter in map(chr, range(0x21, 0x7F))}
HIDDEN: Final = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad")
"""Zero-width space, non-joiner, joiner, word joiner, byte-order mark, soft hyphen."""


def _fields() -> Iterator[Row]:
    for names in NAMES.values():
        for name in names:
            yield {name: "«!pw»"}


def _texts() -> Iterator[Row]:
    for names in NAMES.values():
        for place, name in enumerate(names[:4]):
            yield SAID[place].format(name)


def _tricks() -> Iterator[Row]:
    for name in ("password", "token", "api_key", "secret"):
        wide = name.translate(FULL_WIDTH)
        yield {wide: "«!pw»"}
        yield f"{wide}=«!pw»"
        yield f"{name}\uff1d«!pw»"
        yield f"{name}\uff1a«!pw»"
    for place, mark in enumerate(HIDDEN):
        name = ("password", "token", "secret")[place % 3]
        split = f"{name[:4]}{mark}{name[4:]}"
        yield {split: "«!pw»"}
        yield f"{split}=«!pw»"
        yield f"{name}{mark}={mark}«!pw»"
    yield "card «!wide_card»"
    yield "card «!hidden_card» was declined"
    yield f"ghp_{HIDDEN[0]}«!an36»"
    yield f"mail to «!local»{HIDDEN[0]}@example.com"
    yield "«!local»\uff20example.com"


KINDS: Final = (
    Kind("names in ten languages", tuple(_fields())),
    Kind("ten languages in texts", tuple(_texts())),
    Kind("full width and zero width", tuple(_tricks())),
)
