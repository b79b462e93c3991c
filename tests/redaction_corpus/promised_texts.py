"""Secrets that docs/redaction.md promises to find by their context: assignments, statements, commands, encodings."""

from __future__ import annotations

from typing import Final

from tests.redaction_corpus.corpus import Kind, Row

ASSIGNED: Final[tuple[Row, ...]] = (
    "password=«!pw»",
    "password = «!pw»",
    "password: «!pw»",
    "login with password=«!pw» failed",
    "DB_PASSWORD=«!sym»",
    "export API_TOKEN=«!pw»",
    "user=jane, password=«!pw», host=db",
    '"token": "«!pw»"',
    '{"client_secret": "«!sym»", "n": 1}',
    '{"a": {"api_key": "«!pw»"}}',
    "{'csrfToken': '«!pw»', 'n': 1}",
    r'"{\"client_secret\": \"«!pw»\", \"n\": 1}"',
    "Config(host='db', password='«!sym»', port=5432)",
    "load --api-key «!pw» --rows 5",
    "load --api-key=«!pw»",
    "--token «!pw»",
    "<password>«!pw»</password>",
    "<user><name>jane</name><password>«!sym»</password></user>",
    "Cookie: session=«!pw»; theme=dark",
    "Set-Cookie: sid=«!pw»; Path=/; HttpOnly",
    "Authorization: Token «!pw»",
    "Proxy-Authorization: Basic «!b6420»",
    "X-Api-Key: «!pw»",
    "api_key: «!pw»\nhost: db",
    "[database]\nuser = jane\npassword = «!pw»\n",
    "secretKey=«!pw»&page=2",
    'my-secret: "«!sym»"',
    "ConnectionError: cannot log in as jane (password=«!pw»)",
    "passphrase='«!sym»'",
    "TOKEN:«!pw»",
)
SQL: Final[tuple[Row, ...]] = (
    "SELECT * FROM t WHERE api_token = '«!pw»' AND n = 1",
    "SELECT 1 FROM s WHERE token IN ('«!pw»', '«!pw»')",
    "UPDATE users SET password = '«!sym»' WHERE id = 7",
    "CREATE USER x IDENTIFIED BY '«!sym»'",
    "ALTER USER jane PASSWORD '«!pw»'",
    "CREATE ROLE x WITH LOGIN PASSWORD '«!pw»'",
    "ALTER USER 'x'@'%' IDENTIFIED BY '«!pw»'",
    "INSERT INTO users (name, password) VALUES ('jane', '«!pw»')",
    "INSERT INTO users (id, api_key, n) VALUES (1, '«!pw»', 2), (2, '«!pw»', 3)",
    "DETAIL: Key (name, token)=(jane, «!pw») already exists.",
    "Key (session_id)=(«!pw») is not present",
    "[SQL: INSERT INTO users (name, password) VALUES (?, ?)]\n[parameters: ('jane', '«!pw»')]",
    "[SQL: UPDATE users SET password=%(password)s]\n[parameters: {'password': '«!pw»'}]",
    "SELECT * FROM users WHERE secret='«!pw»' -- retry",
    "SELECT * FROM users WHERE password <> '«!pw»' OR api_key!='«!pw»'",
    "SELECT * FROM users WHERE u.token NOT IN ('«!pw»', '«!pw»')",
    "SELECT * FROM users WHERE lower(password) = '«!pw»'",
    "SELECT * FROM users WHERE CAST(api_key AS VARCHAR) = '«!pw»'",
    "SELECT * FROM users WHERE password BETWEEN '«!pw»' AND '«!pw»'",
    "SELECT * FROM users WHERE '«!pw»' = password",
    "SELECT * FROM users WHERE \"password\" NOT LIKE '«!pw»%'",
    "SELECT * FROM users WHERE secret IS NOT DISTINCT FROM '«!pw»'",
    "SELECT * FROM users WHERE starts_with(password, '«!pw»') OR token SIMILAR TO '«!pw»'",
    "SELECT * FROM users WHERE 'password=«!pw»' <> ''",
    "FILTER (password >= '«!pw»' AND token ~ '«!pw»')",
)
COMMANDS: Final[tuple[Row, ...]] = (
    "mysql -u root -p«!pw» shop",
    "mysqldump -h db -u root -p«!pw» shop > shop.sql",
    "mariadb --user=root --password=«!pw» shop",
    "sshpass -p «!pw» ssh jane@web",
    "mysqladmin -u root -p'«!pw»' ping",
    "sshpass -p '«!sym»' scp a b:",
    "mysql -uroot -p«!pw» -e 'select 1'",
)
ENCODED: Final[tuple[Row, ...]] = (
    "password%3D«!pw»",
    "q=%22token%22%3A%22«!pw»%22",
    "redirect=https%3A%2F%2Fx%2F%3Faccess_token%3D«!pw»",
    "%257B%2522password%2522%253A%2522«!pw»%2522%257D",
    r'{"body": "{\"password\": \"«!pw»\"}"}',
    r'"{\"body\": \"{\\\"password\\\": \\\"«!pw»\\\"}\"}"',
    r'{"p\u0061ssword": "«!pw»"}',
    "card%3D«!card»",
    "mail=«!local»%2540example.com",
)
IN_KEYS: Final[tuple[Row, ...]] = (
    {"password=«!pw»": 1},
    {"Bearer «!an32»": "seen"},
    {"postgresql://jane:«!pw»@db/shop": {"rows": 3}},
    {"ghp_«!an36»": True},
    {"counts": {"token=«!pw»": 2}},
    {"labels": {"api_key: «!pw»": "x"}},
)

KINDS: Final = (
    Kind("assignments in a text", ASSIGNED, 2),
    Kind("SQL statements", SQL, 2),
    Kind("commands with -p", COMMANDS),
    Kind("encoded texts", ENCODED),
    Kind("in keys", IN_KEYS),
)
