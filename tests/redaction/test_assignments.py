"""Secrets in the assignments of a text, and values that only follow a name."""

from __future__ import annotations

import pytest

from odibi_core.redaction.redactor import redact_text


@pytest.mark.parametrize(
    "text",
    [
        "google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found.",
        "botocore.exceptions.NoCredentialsError: Unable to locate credentials",
        "jwt.exceptions.InvalidTokenError: Not enough segments",
        "TokenExpiredException: it expired\nSecretWarning: one is missing",
        ":raises MissingTokenError: if no token was provided",
        "get_password('db')",
    ],
)
def test_the_message_of_an_exception_is_no_value(text: str) -> None:
    """`CredentialsError: ` is the type of an exception, and no assignment."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "CredentialsError: password=hunter2",
        "my.CredentialsError: login failed: token: hunter2",
        '{"CredentialsError": "hunter2"}',
        "credentials_error: hunter2",
        "passwordError: hunter2",
        "PASSWORD_ERROR: hunter2",
        "PasswordError:hunter2",
        "PasswordError=hunter2",
    ],
)
def test_an_exceptions_name_hides_no_secret(text: str) -> None:
    """An assignment in its message, and a field or a variable of that name, are redacted all the same."""
    assert "hunter2" not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER USER x WITH PASSWORD 'hunter2'",
        "ALTER USER x IDENTIFIED BY 'hunter2'",
        "CREATE USER x IDENTIFIED WITH ed25519 USING 'hunter2'",
        "create user x identified\nwith `auth_x` as 'hunter2'",
        "CREATE USER x IDENTIFIED BY PASSWORD 'hunter2'",
        "SET PASSWORD FOR x = PASSWORD('hunter2')",
        "SELECT old_password('hunter2')",
    ],
)
def test_the_password_of_an_sql_user_is_redacted(text: str) -> None:
    """All forms of PostgreSQL, MySQL and MariaDB are known; the user's name stays."""
    cleaned = redact_text(text)
    assert "hunter2" not in cleaned
    assert cleaned.split("'")[0] == text.split("'")[0]


def test_a_password_that_is_a_part_of_its_name_is_redacted() -> None:
    """Only the whole name, or its last word, may be the name of another variable."""
    assert redact_text("mysql_password=mysql") == "mysql_password=[REDACTED]"
    assert redact_text("self.mysql_password = password") == "self.mysql_password = password"


def test_a_header_in_quotes_ends_with_its_quote() -> None:
    """The rest of the line stays."""
    text = "curl -H 'Authorization: Basic hunter2Xq9' https://api.example/a"
    assert redact_text(text) == "curl -H 'Authorization: [REDACTED]' https://api.example/a"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('password="a\\"hunter2 b" end', 'password="[REDACTED]" end'),
        ("x -----BEGIN RSA PR", "x [REDACTED]"),
        ("x -----BEGIN CERTIFICATE-----\nMIIB", "x -----BEGIN CERTIFICATE-----\nMIIB"),
        ('add_argument("--password", required=True)', 'add_argument("--password", required=True)'),
    ],
)
def test_no_more_than_the_secret_is_redacted(text: str, cleaned: str) -> None:
    """An escaped quote ends no value, a key may be cut in its label, and the declaration of an option has no value."""
    assert redact_text(text) == cleaned
