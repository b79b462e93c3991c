"""Secrets that a text names: what is given to a name, and what only stands behind one."""

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
def test_what_an_exception_says_is_no_value(text: str) -> None:
    """`CredentialsError: ` names the type of an exception, and gives it nothing."""
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
    """Neither what its message gives to a name, nor what a field or a variable that is called so holds."""
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
def test_the_password_that_sql_gives_a_user_goes(text: str) -> None:
    """In each of the forms that PostgreSQL, MySQL and MariaDB have; the user's name stays."""
    cleaned = redact_text(text)
    assert "hunter2" not in cleaned
    assert cleaned.split("'")[0] == text.split("'")[0]
