"""Texts that a careless pattern takes for ever over, and the work of each rule on 200 of them, timed when run alone.

`python tests/redaction/attacks.py` prints the slowest; a test runs it in a process of its own, which must end in time.
"""

from __future__ import annotations

import resource
import string
import time
from itertools import product

from odibi_core.redaction.redactor import redact_text
from odibi_core.redaction.tokens import TOKEN_BEGINNINGS

SIZE = 64 * 1024
_PIECES = [
    "a@", "a.", "a" * 50 + "@", "a:", "a:b@", "a'", "a'a", '"', '"a" ', "@", "@a", "@a.", "é", "\u00a0",
    "1 ", "1-", "4", "41", "4111 ", "4111-1111-1111-", "4111111111111111 ", "5012 3456 7890 ", "12345678-1234-",
    "078-05-1120-", "0.", "DE89", "DE89 ", "de", "A0", "GB82 WEST ", "NO9", "0f79a53c-ae97-40a6-9010-",
    "eyJ", "eyJa.", "-eyJ", "_eyJ", "eyJaaaaa.", "eyJaaaaa.aaaaa.", "eyJ-----", "SG.", "-SG.",
    "SG." + "a" * 16 + "-",
    "SG." + "a" * 16 + ".", "-sk-", "_sk-", "AKIA", "AKIA" + "A" * 16 + " ", "A" * 40 + " ", "/", "xoxb-", "xox",
    "sk_live_",
    "://", "://a:", "://a@", "://a/", ":\\/\\/", "?sig=", "&sig=a", ";", "&", "?",
    "password", "password=", "password= ", "password='", "password=''", 'password="\\', "password:{", "password:[(",
    "password={'", "password=a,", "password=a,b", "password=,,", "password=" + "a" * 64 + ",", "password in (",
    "password ",
    "password\t", "password   ", "--password ", "--password", "-p ", "token=1 ", "tokens=1,", "cookie:",
    "cookie: a; ",
    "identified by ", "identified ", "<password>", "<password>a<", 'token\\"', '\\"', "\\", "\\\\", "``",
    "'''", '"""',
    'secret="a""', "key key ", "api key ", "a.b.", "a-", "a_", "-", "--", ".", "=", "==", ":=", "=>", "'", " ",
    "\t", "\n",
    "-----BEGIN", "-----BEGIN PRIVATE KEY-----", "-----END", "-----END PRIVATE KEY-----",
    "-----BEGIN X-----a-----END",
    "Bearer ", "bearer  ", "Basic a", "Basic AAAAAAAA ", "bearerbasic", "%40", "%", "%2", "%25", "%2540",
    "a%40b ", "\\u0040",
    "\\x3d", "secret-", "ghp_", "authorization", "}", "{", "[", "]", "(", ")", "(((", "[{(", "{'}", "a=1&", "n=1;",
    "(a", "(password)", "(password) values ", "(password) values (", "(password)=(", "(password)=(a)", "(password)=('",
    "(a,password)=(b),", "(password)=(?)", "(password)=(?) [parameters: (", "(password)=(?) [parameters: (a)] ",
    "(password)=(a) ... ", "(password)=('a''", "(password)=(\\'", "a,", "(a,", "(a)=(", "values", "[parameters: (",
    "(password)   ", "(password)=(a),   ", "(password)=(%(", "(password)=(%(a", "mysql ", "mysql -", "mysql -p",
    "mysql -pa ", " -p", " -pa", "sshpass -p ", "sshpass -p a ", "sshpass   ", "mysql\\\n", "mariadb-", "mysql -p'a ",
    "create table a (", "create table a (password) insert into a values (", "insert into a values (a) ", "<a ",
    "<a b=\"", "<password", "<key>password</key>", "password:\n ", "password:\n\n", "a:\n",
    "copy a (password) from stdin\n", "password is a1 ", "ENV a b\n", "machine a login b password c ",
    "a:5432:b:c:d\n", "curl -u a:b ", "docker login -p a ", "docker a b c ", "(\"password\", \"",
    "[(\"password\", 1), ", "name: password ", "value: a ", "{\"name\": \"password\", \"value\": \"", "&#61;",
    "\\u00f1", "%C3%B1", "\u0301", "\uff41", "\u200b", "api key: ", "a key ", "form-data; name=\"a\"\n\n",
    "set password for a", "token=a(", "token=a.", "token=${", "1234 5678 ", "4111.1111.", "card 4111 ",
    "card 411111111111111 ", "ssn 123", "a@b.com:", "ssh a@b.com ", "00a", "A3-", "MMMMMMMMMMMMMMMMMMMMMMMM.",
    "0123456789abcdef", "==", "Q~", "CredentialsError: ", "a.b.PasswordError: ", "CredentialsError: ",
    "a.b.PasswordError: ", "CredentialsError", "password('", "identified with a by ",
    "identified with ", "identified with    ",
]  # fmt: skip
_RUNS = [
    *string.ascii_letters[:3],
    *string.ascii_uppercase[:3],
    *string.digits[:5],
    *string.punctuation,
    " ",
    "é",
    "\x00",
]
_FRAMES = ["{}", "password={}", "a@{}"]


def attacks(size: int = SIZE) -> list[str]:
    """Return each piece and each single sign, repeated, bare and behind the start of a rule; and starts of tokens."""
    pieces = dict.fromkeys([*_PIECES, *_RUNS])
    framed = [*product(pieces, _FRAMES), *((beginning, "{}") for beginning in TOKEN_BEGINNINGS)]
    return [frame.format((piece * (size // len(piece) + 1))[: size - 20]) for piece, frame in framed]


def main() -> None:
    """Run every attack within a minute of processor time, and print the slowest."""
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    figures = []
    texts = attacks()
    for attack in texts:
        begun = time.process_time()
        redact_text(attack)
        figures.append((time.process_time() - begun, attack[:40]))
    figures.sort(reverse=True)
    print(f"{len(texts)} attacks of {SIZE} characters, slowest:")
    for seconds, attack in figures[:15]:
        print(f"  {seconds * 1e3:6.1f} ms  {attack!r}")


if __name__ == "__main__":
    main()
