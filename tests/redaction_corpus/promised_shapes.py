"""Secrets that docs/redaction.md promises by their shape, in every text, key and name."""

from __future__ import annotations

from typing import Final

from tests.redaction_corpus.corpus import Kind, Row

_PEM: Final = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC«!b6464»"

CARDS: Final[tuple[Row, ...]] = (
    "card «!card4» was declined",
    "paid with «!card4»",
    "«!card-»",
    "card number: «!card»",
    "charged the credit card «!card»",
    "visa «!card» expires 12/27",
    {"card": "«!card»"},
    {"rows": [{"card_number": "«!card»"}]},
    {"customer": {"creditCard": "«!card4»"}},
    {"«!card4»": "declined"},
    {"cards": ["«!card4»", "«!card-»"]},
)
IBANS: Final[tuple[Row, ...]] = (
    "transfer to «!iban» done",
    "refund «!iban4» on Monday",
    {"account": "«!iban»"},
    {"rows": [{"to": "«!iban4»"}]},
    {"«!iban»": 12.5},
    "«!iban»",
)
ADDRESSES: Final[tuple[Row, ...]] = (
    "mail to «!local»@example.com failed",
    "«!local»@mail.example.co.uk",
    "Jane Doe <«!local»@example.org>",
    "mailto:«!local»@example.com?subject=hi",
    {"user": "«!local»@example.com"},
    {"rows": [{"contact": "«!local»@example.de"}]},
    {"«!local»@example.com": 3},
    "unknown user '«!local»@example.net'",
    {"recipients": ["«!local»@example.com", "«!local»@example.org"]},
    "jürgen.«!local»@exämple.de wrote",
    "«!local»+orders@example.io",
    "to=«!local»%40example.com&n=1",
)
NUMBERS: Final[tuple[Row, ...]] = (
    "SSN «!ssn» on file",
    "social security number: «!ssn»",
    {"ssn": "«!ssn»"},
    {"rows": [{"social_security_number": "«!ssn»"}]},
    "ssn=«!ssn»;state=CA",
    "the applicant's SSN is «!ssn»",
)
KEYS: Final[tuple[Row, ...]] = (
    f"-----BEGIN PRIVATE KEY-----\n{_PEM}\n{_PEM}\n-----END PRIVATE KEY-----",
    f"-----BEGIN RSA PRIVATE KEY-----\n{_PEM}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN EC PRIVATE KEY-----\\n{_PEM}\\n-----END EC PRIVATE KEY-----\\n",
    f"-----BEGIN OPENSSH PRIVATE KEY-----\n{_PEM}",
    f"{_PEM}\n-----END PRIVATE KEY-----",
    f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{_PEM}\n-----END ENCRYPTED PRIVATE KEY-----",
    f'{{"key": "-----BEGIN PRIVATE KEY-----\\n{_PEM}\\n-----END PRIVATE KEY-----\\n"}}',
)
TOKENS: Final[tuple[Row, ...]] = (
    "AKIA«!b3216»",
    "ASIA«!b3216»",
    "AKIA«b3216» «!b6440»",
    "aws_access_key_id = AKIA«!b3216»\naws_secret_access_key = «!b6440»",
    "ghp_«!an36»",
    "gho_«!an36»",
    "ghs_«!an36»",
    "github_pat_«!an22»_«!an59»",
    "glpat-«!url20»",
    "xoxb-123456789012-1234567890123-«!an24»",
    "xoxp-123456789012-123456789012-123456789012-«!hex32»",
    "https://hooks.slack.com/services/T«up8»/B«up8»/«!an24»",
    "AIza«!url35»",
    "sk_live_«!an24»",
    "rk_live_«!an24»",
    "sk-«!an20»T3BlbkFJ«!an20»",
    "sk-proj-«!an58»T3BlbkFJ«!an58»",
    "hf_«!lo34»",
    "npm_«!an36»",
    "pypi-AgEIcHlwaS5vcmc«!an70»",
    "SG.«!an22».«!an43»",
    "hvs.«!an90»",
    "dapi«!hex32»",
    "«!jwt»",
    "Bearer «!an32»",
    "Basic «!b6428»==",
    "Authorization: Bearer «!jwt»",
)
URLS: Final[tuple[Row, ...]] = (
    "postgresql://jane:«!pw»@db.example:5432/shop",
    "mysql+pymysql://root:«!pw»@localhost/shop",
    "redis://:«!pw»@cache:6379/0",
    "mongodb+srv://jane:«!pw»@cluster.example/x?w=majority",
    "amqp://guest:«!pw»@queue:5672//",
    "https://jane:«!pw»@example.com/data.csv",
    "https://«!hex32»@o1.sentry.example/1",
    "ftp://jane:«!pw»@files.example/in",
    "snowflake://jane:«!pw»@acct/db/schema",
    "jdbc:postgresql://db/shop?user=jane&password=«!pw»",
    "jdbc:sqlserver://db:1433;user=sa;password=«!pw»;encrypt=true",
    "postgresql%3A%2F%2Fjane%3A«!pw»%40db.example%2Fx",
    "https://x.example/cb?access_token=«!pw»&n=1",
    "https://x.example/?api_key=«!pw»",
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIA«!b3216»%2F20250101&X-Amz-Signature=«!hex64»",
    "https://storage.googleapis.com/b/k?X-Goog-Signature=«!hex64»&X-Goog-Expires=60",
    "https://acct.blob.core.windows.net/c/k?sv=2024-01-01&sig=«!b6443»%3D&se=2025-01-01",
    "https://d1.cloudfront.net/k?Expires=1&Signature=«!an64»&Key-Pair-Id=K1",
    "git clone https://oauth2:«!pw»@git.example.com/o/r.git",
)
CONNECTIONS: Final[tuple[Row, ...]] = (
    "Server=db;Database=shop;User Id=jane;Password=«!pw»;Encrypt=yes",
    "Driver={ODBC Driver 18};UID=sa;PWD=«!pw»",
    "host=db user=jane password=«!pw» dbname=shop",
    "host=db user=jane password='«!sym»' dbname=shop",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=«!b6486»==;EndpointSuffix=core.windows.net",
    "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=«!b6443»=",
    "SharedAccessSignature sr=x&sig=«!b6443»&se=1",
)

KINDS: Final = (
    Kind("cards", CARDS, 2),
    Kind("IBANs", IBANS, 2),
    Kind("e-mail addresses", ADDRESSES, 2),
    Kind("social-security numbers", NUMBERS, 2),
    Kind("private keys", KEYS),
    Kind("tokens of the page's services", TOKENS, 2),
    Kind("URLs with a password", URLS),
    Kind("connection strings", CONNECTIONS),
)
