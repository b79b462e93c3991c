"""Texts that a careless pattern takes for ever over, and the work of each rule on 200 of them, timed when run alone.

`python tests/events/attacks.py` prints the slowest; run by the tests in a process of its own, which must end in time.
"""

from __future__ import annotations

import string
import time
from itertools import product

from odibi_core.events.redaction import redact_text
from odibi_core.events.secret_shapes import TOKEN_BEGINNINGS

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
    "CredentialsError: ", "a.b.PasswordError: ", "CredentialsError", "password('", "identified with a by ",
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
_FRAMES = ["{}", "password={}", "x {} @", '"{}', "a@{}"]


def attacks(size: int = SIZE) -> list[str]:
    """Each piece, each beginning of a token and each single sign, repeated; bare and behind what starts a rule."""
    pieces = dict.fromkeys([*_PIECES, *_RUNS, *TOKEN_BEGINNINGS])
    return [
        frame.format((piece * (size // len(piece) + 1))[: size - 20])
        for piece, frame in product(pieces, _FRAMES)
    ]


def main() -> None:
    """Every attack once; the slowest are printed."""
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
