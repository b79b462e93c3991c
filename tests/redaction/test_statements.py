"""Secrets in the columns of statements and in commands, and values that stay."""

from __future__ import annotations

import pytest

from odibi_core.redaction.redactor import redact_text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (
            "INSERT INTO users (name, password) VALUES ('x', 'hunter2')",
            "INSERT INTO users (name, password) VALUES ('x', '[REDACTED]')",
        ),
        (
            'insert into u ("api_key", `n`)\nvalues (\'hunt)er\'\'2\', 3),\n (\'hunter2\', 4) returning id',
            "insert into u (\"api_key\", `n`)\nvalues ('[REDACTED]', 3),\n ('[REDACTED]', 4) returning id",
        ),
        (
            "INSERT INTO u (name, password) VALUES (lower('X'), crypt('hunter2', gen_salt('bf')))",
            "INSERT INTO u (name, password) VALUES (lower('X'), [REDACTED])",
        ),
        (
            "'INSERT INTO u (name, password) VALUES (\\'x\\', \\'hunter2\\')' failed",
            "'INSERT INTO u (name, password) VALUES (\\'x\\', \\'[REDACTED]\\')' failed",
        ),
        (
            "DETAIL:  Key (name, token)=(jane, hunter2) already exists.",
            "DETAIL:  Key (name, token)=(jane, [REDACTED]) already exists.",
        ),
        (
            "[SQL: INSERT INTO u (name, password) VALUES (?, ?)]\n[parameters: ('jane', 'hunter2')]\n(Background)",
            "[SQL: INSERT INTO u (name, password) VALUES (?, ?)]\n[parameters: ('jane', '[REDACTED]')]\n(Background)",
        ),
        (
            "[SQL: INSERT INTO u (secret) VALUES (%s)]\n[parameters: [('hunter2',), ('hunter2',)"
            "  ... displaying 10 of 30 total bound parameter sets ...  ('hunter2',)]]",
            "[SQL: INSERT INTO u (secret) VALUES (%s)]\n[parameters: [('[REDACTED]',), ('[REDACTED]',)"
            "  ... displaying 10 of 30 total bound parameter sets ...  ('[REDACTED]',)]]",
        ),
    ],
)  # fmt: skip
def test_the_value_of_a_secret_column_is_redacted(text: str, cleaned: str) -> None:
    """The secret column of each row is redacted, no other; also in the message of a failed statement."""
    assert redact_text(text) == cleaned
    assert redact_text(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO u (name, password) VALUES ('x', 'hunter2 and",
        "INSERT INTO u (name, password) VALUES ('x', 'y', 'hunter2')",
        "INSERT INTO u (id, name, password) VALUES ('x', 'hunter2')",
        "Key (name, token)=(O'Brien, hunter2) already exists.",
    ],
)
def test_a_row_with_unclear_columns_is_redacted(text: str) -> None:
    """A row without an end, and one with more or fewer values than columns, is redacted whole."""
    assert "hunter2" not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO users (name, password) VALUES (:name, :password), (?, %(password)s), (x, DEFAULT), (@a, $2)",
        "INSERT INTO users (name, password) VALUES ('x', NULL)",
        "INSERT INTO usage (name, tokens) VALUES ('x', 5)",
        "INSERT INTO orders (id, author) VALUES (5, 'jane') -- password",
        "Key (id)=(5) already exists; see (password)",
        "(token) was (here)",
    ],
)
def test_other_values_of_a_statement_stay(text: str) -> None:
    """Placeholders, NULL, counts and other columns stay."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("mysql -u root -phunter2 shop", "mysql -u root -p[REDACTED] shop"),
        ("/usr/bin/mysqldump -h db -p'hunter2 x' a > b", "/usr/bin/mysqldump -h db -p'[REDACTED]' a > b"),
        ("mariadb-dump -h db \\\n  -phunter2", "mariadb-dump -h db \\\n  -p[REDACTED]"),
        ("Command '['mysql', '-uroot', '-phunter2']' failed", "Command '['mysql', '-uroot', '-p[REDACTED]']' failed"),
        ("sshpass -p hunter2 ssh -p 22 host", "sshpass -p [REDACTED] ssh -p 22 host"),
        ("['sshpass', '-p', 'hunter2', 'ssh']", "['sshpass', '-p', '[REDACTED]', 'ssh']"),
        ("sshpass -phunter2 ssh", "sshpass -p[REDACTED] ssh"),
        ("mysqldump --password hunter2 a", "mysqldump --password [REDACTED] a"),
    ],
)  # fmt: skip
def test_the_password_of_a_command_is_redacted(text: str, cleaned: str) -> None:
    """The commands are those with a password after `-p`, in any form of their line."""
    assert redact_text(text) == cleaned
    assert redact_text(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "mysql -u root -p shop < dump.sql",
        "mysql -P 3306 -h db",
        "mysql -u root; mkdir -path",
        "mysql -e 'SELECT 1' | sort -previous",
        "mysql is slow -perhaps",
        "mkdir -parents a, as mysql does",
        "ssh -p 22 host",
        "docker run -p 3306:3306 mysql",
        "docker run -p8080:80 mysql -v",
    ],
)
def test_the_same_option_of_other_commands_stays(text: str) -> None:
    """A port, a path, and a database after a bare `-p` of MySQL, which asks for the password, stay."""
    assert redact_text(text) == text


def test_a_table_that_the_text_creates_names_the_columns_of_its_rows() -> None:
    """The columns apply to an `INSERT` without columns; rows of another table stay."""
    text = (
        'CREATE TABLE IF NOT EXISTS "shop"."users" (id int, name varchar(20), password text, primary key (id));\n'
        "INSERT INTO users VALUES (1, 'a', 'hunter2'), (2, 'b', 'hunter2');\nINSERT INTO other VALUES (1, 'x', 'y')"
    )
    cleaned = redact_text(text)
    assert cleaned == text.replace("hunter2", "[REDACTED]")
    assert redact_text(cleaned) == cleaned
