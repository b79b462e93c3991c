"""Secrets that docs/redaction.md promises by the name of a field, at every depth and in every spelling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.redaction_corpus.corpus import Kind, Row

SPELLINGS: Final = (
    "password", "Password", "PASSWORD", "passwd", "pwd", "passphrase", "passcode", "passkey", "db_pass",
    "userPassword", "user_password", "user-password", "user.password", "user[password]", "PGPASSWORD",
    "dbpassword", "MYSQL_ROOT_PASSWORD", "spring.datasource.password", "smtpPasswd", "new_password",
    "admin_pwd", "sshPassphrase", "secret", "client_secret", "client-secret", "clientSecret",
    "CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY", "appSecret", "aws.secret", "shared_secret", "webhookSecret",
    "SECRET_KEY", "django_secret_key", "token", "access_token", "accessToken", "refreshToken",
    "X-Auth-Token", "id_token", "GITHUB_TOKEN", "csrfmiddlewaretoken", "bot-token", "sas_token", "bearer",
    "bearer_token", "jwt", "jwt_token", "csrf", "csrf_token", "xsrf", "xsrfToken", "X-CSRF-Token",
    "totp_secret", "otp", "api_key", "apiKey", "API_KEY", "api-key", "apikey", "X-Api-Key",
    "openai_api_key", "private_key", "private-key", "privateKey", "access_key", "accessKey", "account_key",
    "AZURE_STORAGE_ACCOUNT_KEY", "signing_key", "license_key", "encryption_key", "authorization",
    "Authorization", "Proxy-Authorization", "proxy_authorization", "auth", "oauth", "cookie", "Cookie",
    "Set-Cookie", "set_cookie", "session", "session_id", "sessionId", "sessionid", "JSESSIONID",
    "credentials", "db_credentials", "userCredentials", "connection_string", "connectionString",
    "ConnectionStrings", "dsn", "SENTRY_DSN", "sas", "cvv", "cvc", "ssn", "customer_ssn", "social_security",
    "iban", "card_number", "cardNumber", "credit_card", "creditCardNumber",
)  # fmt: skip
"""Names as the table of the page has them: snake, camel, kebab, dotted, upper case, nested and run together."""
FEW: Final = (
    "password", "clientSecret", "access_token", "API-KEY", "authorization", "private_key", "sessionId", "dbCredentials",
)  # fmt: skip
OPTIONS: Final = (
    "--password", "--api-key", "--token", "--client-secret", "--access-key", "--auth", "--passphrase", "--db-password",
)  # fmt: skip
HEADERS: Final = (
    "Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "X-Auth-Token",
    "X-CSRF-Token", "PRIVATE-TOKEN", "X-Amz-Security-Token",
)  # fmt: skip


def _nested() -> Iterator[Row]:
    for name in FEW:
        yield {"metadata": {name: "«!pw»", "rows": 3}}
        yield {"config": {"database": {"primary": {name: "«!sym»"}}}}
        yield {"rows": [{"id": 1, name: "«!pw»"}, {"id": 2, name: "«!pw»"}]}
        yield {"labels": {"table": "orders", name: "«!pw»"}}
        yield {"depth": [[{"a": {"b": [{name: "«!sym»"}]}}]]}
        yield {name: ["«!pw»", "«!pw»"]}
        yield {name: {"current": "«!pw»", "old": ["«!sym»"]}}


def _pairs() -> Iterator[Row]:
    for name in HEADERS:
        yield {"headers": [("Accept", "text/plain"), (name, "«!pw»"), ("Host", "example.com")]}
        yield {"request": {"headers": [["Content-Length", 12], [name, "«!sym»"]]}}
    for name in FEW:
        yield {"items": [("table", "orders"), (name, "«!pw»"), ("rows", 3)]}
        yield {"params": ((name, "«!sym»"), ("retries", 2))}
        yield {"metadata": {"settings": [[name, "«!pw»"]]}}
        yield {"calls": [{"kwargs": [("timeout", 3), (name, "«!pw»")]}]}


def _named_by_another() -> Iterator[Row]:
    for name in FEW:
        yield {"argument": name, "value": "«!pw»"}
        yield {"env": [{"name": name, "value": "«!sym»"}, {"name": "REGION", "value": "eu-west-1"}]}
        yield {"settings": {"change": {"key": name, "value": "«!pw»"}}}


def _commands() -> Iterator[Row]:
    for option in OPTIONS:
        yield {"argv": ["load", "--table", "orders", option, "«!pw»"]}
        yield {"command": {"args": ["sync", option, "«!sym»", "--verbose"]}}


def _by_name() -> Iterator[Row]:
    for place, name in enumerate(SPELLINGS):
        filler: Any = ("«!pw»", "«!sym»", "«!hex32»", "«!pw» «!pw»")[place % 4]
        yield {name: filler}


NUMBERS: Final[tuple[Row, ...]] = (
    {"pin": "int:«!id9»"},
    {"cvv": "int:«!id9»"},
    {"ssn": "int:«!id9»"},
    {"card_number": "int:«!card»"},
    {"otp": "int:«!id9»"},
    {"payment": {"cardNumber": "int:«!card»"}},
    {"rows": [{"card_number": "float:«!card»"}]},
    {"credit_card": "«!card»"},
)

KINDS: Final = (
    Kind("by the name of the field", tuple(_by_name())),
    Kind("by name, nested", tuple(_nested())),
    Kind("a list of pairs", tuple(_pairs())),
    Kind("one field names another", tuple(_named_by_another())),
    Kind("behind an option in a list", tuple(_commands())),
    Kind("numbers under a secret's name", NUMBERS),
)
