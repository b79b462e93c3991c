"""Tokens of services: a table of their prefixes and formats, as the services publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from odibi_core.redaction.lazy_pattern import lazy_pattern
from odibi_core.redaction.names import ORDINARY
from odibi_core.redaction.shapes import HIDDEN

_HEX: Final = "[0-9a-fA-F]"
_UUID: Final = f"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_END: Final = "(?![0-9A-Za-z])"

# A service, what its tokens begin with, what follows. No letter or digit stands before.
_TOKENS: Final[tuple[tuple[str, str, str], ...]] = (
    ("AWS", "AKIA ASIA ABIA ACCA", rf"[0-9A-Z]{{16}}{_END}"),
    ("AWS Bedrock", "ABSK", r"[A-Za-z0-9+/]{80,}+={0,2}"),
    ("Google", "AIza", r"[\w-]{35,}+"),
    ("Google OAuth", "ya29. GOCSPX- 1//0", r"[\w-]{20,}+"),
    ("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9._]{20,}+"),
    ("GitHub", "github_pat_", r"\w{20,}+"),
    (
        "GitLab",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt- GR1348941",
        r"[\w.-]{16,}+",
    ),
    ("Slack", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xapp- xwfp-", r"[A-Za-z0-9%/+-]{8,}+"),
    ("Slack", "xoxe.", r"xox[bp]-[A-Za-z0-9-]{8,}+"),
    ("Slack", "hooks.slack", r"(?:-gov)?\.com/(?:services|workflows|triggers)/[\w/-]{5,}+"),
    ("Discord", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", r"[0-9]{10,25}/[\w-]{20,}+"),
    ("Teams", ".webhook.office.com/webhookb2/ outlook.office.com/webhook/", r"[\w@/-]{20,}+"),
    ("Zapier", "hooks.zapier.com/hooks/catch/", r"[\w/-]{8,}+"),
    ("Stripe", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", r"\w{10,}+"),
    ("Stripe", "whsec_", r"[A-Za-z0-9+/=_-]{10,}+"),
    ("Twilio", "SK", rf"[0-9a-f]{{32}}{_END}"),
    ("SendGrid", "SG.", r"[\w-]{16,}+\.[\w-]{16,}+"),
    ("Brevo", "xkeysib- xsmtpsib-", r"[0-9a-f]{40,}+(?:-\w{8,}+)?"),
    ("Mailgun", "key-", rf"[0-9a-zA-Z]{{32}}{_END}"),
    ("Resend", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}+"),
    ("npm", "npm_", r"[A-Za-z0-9]{30,}+"),
    ("PyPI", "pypi-", r"[\w-]{50,}+"),
    ("RubyGems", "rubygems_", r"[0-9a-f]{40,}+"),
    ("NuGet", "oy2", rf"[a-z0-9]{{43}}{_END}"),
    ("crates.io", "cio", rf"[A-Za-z0-9]{{32}}{_END}"),
    ("Clojars", "CLOJARS_", r"[A-Za-z0-9]{40,}+"),
    ("Docker", "dckr_pat_ dckr_oat_", r"[\w-]{20,}+"),
    ("JFrog", "cmVmd", rf"[A-Za-z0-9]{{59}}{_END}"),
    ("Octopus Deploy", "API-", rf"(?=[A-Z]{{0,24}}[0-9])[A-Z0-9]{{25,27}}{_END}"),
    ("1Password", "A3-", r"[A-Z0-9]{6}-[A-Z0-9]{5,11}(?:-[A-Z0-9]{5}){3,4}"),
    ("JFrog", "AKCp", r"[A-Za-z0-9]{60,}+"),
    ("Sonar", "squ_ sqp_ sqa_", r"[0-9a-f]{40}"),
    ("CircleCI", "CCIPAT_ CCIPRJ_", r"\w{20,}+"),
    ("Buildkite", "bkua_", r"[0-9a-f]{40}"),
    ("OpenAI, Anthropic and others", "sk-", r"(?=[\w-]{0,48}[0-9])[\w-]{20,}+"),
    ("ElevenLabs", "sk_", rf"[0-9a-f]{{40,}}+{_END}"),
    ("Hugging Face", "hf_ api_org_", r"[A-Za-z0-9]{30,}+"),
    ("Groq", "gsk_", r"[A-Za-z0-9]{40,}+"),
    ("Replicate", "r8_", r"[A-Za-z0-9]{30,}+"),
    ("Perplexity", "pplx-", r"[A-Za-z0-9]{40,}+"),
    ("xAI", "xai-", r"[A-Za-z0-9]{60,}+"),
    ("NVIDIA", "nvapi-", r"[\w-]{40,}+"),
    ("LangSmith", "lsv2_pt_ lsv2_sk_ ls__", r"[0-9a-f]{30,}+(?:_[0-9a-f]{8,}+)?"),
    ("Pinecone", "pcsk_", r"\w{30,}+"),
    ("Tavily", "tvly-", r"[\w-]{20,}+"),
    ("Weights & Biases", "wandb_v1_", r"\w{30,}+"),
    ("Databricks", "dapi", rf"[0-9a-f]{{32}}(?:-\d)?{_END}"),
    ("Databricks", "dkea dose", rf"[0-9a-f]{{32}}{_END}"),
    ("Snowflake", "ver:1-hint:", r"[\w-]{20,}+"),
    ("dbt", "dbtc_ dbtu_ dbts_", r"[\w=-]{20,}+"),
    ("Prefect", "pnu_ pnb_", r"[A-Za-z0-9]{30,}+"),
    ("MongoDB Atlas", "mdb_sa_sk_", r"[\w-]{30,}+"),
    ("Neon", "napi_", r"[a-z0-9]{40,}+"),
    ("Datadog", "ddapp_ ddpat_ ddapi_", r"\w{20,}+"),
    ("New Relic", "NRAK- NRAA- NRII- NRIQ- NRRA- NRSP- NRJS-", r"[\w-]{19,}+"),
    ("Sentry", "sntrys_ sntryu_ sntrya_ sntryi_", r"[\w=+/-]{40,}+"),
    ("Grafana", "glc_ glsa_", r"[\w=+/]{30,}+"),
    ("Grafana", "eyJrIjoi", r"[A-Za-z0-9+/]{40,}+={0,3}"),
    ("Honeycomb", "hcaik_ hcxik_ hcbik_ hcalk_ hcaic_", r"[a-z0-9]{40,}+"),
    ("Dynatrace", "dt0c01. dt0s01. dt0s02. dt0s08. dt0s16.", r"[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    ("PostHog", "phx_ phs_ pha_", r"\w{30,}+"),
    ("Segment and Sourcegraph", "sgp_", r"\w{30,}+"),
    ("Shopify", "shpat_ shpca_ shppa_ shpss_ shptka_ shpua_", r"[0-9a-fA-F]{32}"),
    ("Square", "sq0atp- sq0csp- sq0idp-", r"[\w-]{20,}+"),
    ("Square", "EAAA", r"[\w-]{55,}+"),
    ("Facebook", "EAA", r"[A-Za-z0-9]{40,}+"),
    ("Instagram", "IGQ", r"[\w-]{60,}+"),
    ("Twitter", "AAAAAAAAAAAAAAAAAAAA", r"[\w%-]{40,}+"),
    ("PayPal", "access_token$", r"(?:production|sandbox)\$[a-z0-9]{16}\$[0-9a-f]{32}"),
    ("Plaid", "access-production- access-sandbox- access-development-", _UUID),
    ("Flutterwave", "FLWSECK_TEST- FLWSECK-", r"[\w-]{12,}+"),
    ("Razorpay", "rzp_live_ rzp_test_", r"[A-Za-z0-9]{14,}+"),
    ("EasyPost", "EZAK EZTK", rf"[A-Za-z0-9]{{54}}{_END}"),
    ("Shippo", "shippo_live_ shippo_test_", r"[0-9a-f]{40}"),
    ("Duffel", "duffel_live_ duffel_test_", r"[\w=-]{40,}+"),
    ("DigitalOcean", "dop_v1_ doo_v1_ dor_v1_", r"[0-9a-f]{40,}+"),
    ("Heroku", "HRKU-", r"[\w-]{36,}+"),
    ("Cloudflare", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{100,}+"),
    ("Cloudflare", "cfut_ cfat_ cfk_", r"[\w-]{36,}+"),
    ("Fly.io", "fo1_ fm1_ fm1a_ fm1r_ fm2_", r"[\w+/=-]{40,}+"),
    ("Netlify", "nfp_ nfc_ nfo_ nfb_", r"[A-Za-z0-9]{36,}+"),
    ("Vercel", "vcp_ vck_ vci_ vca_ vcr_", r"[A-Za-z0-9]{24,}+"),
    ("Render", "rnd_", r"[A-Za-z0-9]{28,}+"),
    ("Scaleway", "SCW", rf"[A-Z0-9]{{17}}{_END}"),
    ("Alibaba", "LTAI", rf"[A-Za-z0-9]{{12,20}}+{_END}"),
    ("Tencent", "AKID", rf"[A-Za-z0-9]{{32}}{_END}"),
    ("Yandex", "AQVN", r"[\w-]{35,}+"),
    ("Vault", "hvs. hvb. hvr.", r"[\w-]{20,}+"),
    ("Vault", "s. b.", rf"(?=[A-Za-z]{{0,23}}[0-9])[A-Za-z0-9]{{24}}{_END}(?![.\w-])"),
    ("Atlassian", "ATATT3 ATCTT3 ATSTT3", r"[\w=-]{30,}+"),
    ("Bitbucket", "ATBB", r"[A-Za-z0-9]{24,}+"),
    ("Trello", "ATTA", r"[A-Za-z0-9]{50,}+"),
    ("Linear", "lin_api_ lin_oauth_ lin_wh_", r"[A-Za-z0-9]{30,}+"),
    ("Notion", "secret_", rf"(?=[A-Za-z]{{0,42}}[0-9])[A-Za-z0-9]{{40,}}+{_END}"),
    ("Notion", "ntn_", r"[A-Za-z0-9]{40,}+"),
    ("Airtable", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("Airtable", "key", rf"(?=[A-Za-z]{{0,13}}[0-9])(?=[0-9a-z]{{0,13}}[A-Z])[A-Za-z0-9]{{14}}{_END}"),
    ("Dropbox", "sl. sl.u.", r"[\w-]{60,}+"),
    ("Mapbox", "sk.eyJ tk.eyJ", r"[\w-]{20,}+\.[\w-]{10,}+"),
    ("Postman", "PMAK-", r"[0-9a-f]{20,}+(?:-[0-9a-f]{20,}+)?"),
    ("Figma", "figd_ figu_ figo_", r"[\w-]{30,}+"),
    ("HubSpot", "pat-na1- pat-na2- pat-eu1-", _UUID),
    ("Contentful", "CFPAT-", r"[\w-]{40,}+"),
    ("Typeform", "tfp_", r"[\w.=-]{40,}+"),
    ("Pulumi", "pul-", r"[0-9a-f]{40}"),
    ("PlanetScale", "pscale_tkn_ pscale_pw_ pscale_oauth_", r"[\w.=-]{30,}+"),
    ("Doppler", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", r"[\w.-]{30,}+"),
    ("Supabase", "sbp_ sb_secret_", r"\w{20,}+"),
    ("LaunchDarkly", "sdk- api- mob-", rf"{_UUID}{_END}"),
    ("Tailscale", "tskey-auth- tskey-api- tskey-client- tskey-", r"[\w-]{16,}+"),
    ("1Password", "ops_eyJ", r"[\w=-]{60,}+"),
    ("OpenShift", "sha256~", r"[\w-]{43}"),
    ("Infracost", "ico-", rf"[A-Za-z0-9]{{32}}{_END}"),
    ("age", "AGE-SECRET-KEY-1", r"[0-9A-Za-z]{30,}+"),
    ("JSON Web Token", "eyJ", r"(?:[A-Za-z0-9]{5,}+|(?<![\w-]...)[\w-]{5,}+)\.[\w-]{5,}+(?:\.[\w-]*+){0,3}"),
)  # fmt: skip
# A service, what stands inside of its tokens, and a whole one.
_MARKED: Final[tuple[tuple[str, str, str], ...]] = (
    ("Azure client secret", "Q~", r"(?<![\w~.-])[\w~.-]{3}[0-9]Q~[\w~.-]{31,36}(?![\w~.-])"),
    ("Azure storage", "==", r"(?<![A-Za-z0-9+/=-])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"),
    ("Azure DevOps", "AZDO", r"(?<![A-Za-z0-9])[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}(?![A-Za-z0-9])"),
    ("Terraform Cloud", ".atlasv1.", r"(?<![A-Za-z0-9])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}+"),
    ("Telegram", ":A", r"(?<![0-9A-Za-z])[0-9]{8,10}:A[\w-]{34}(?![\w-])"),
    ("MaxMind", "_mmk", r"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])"),
    ("Mailchimp", "-us", r"(?<![0-9a-zA-Z])[0-9a-f]{32}-us[0-9]{1,2}(?![0-9a-zA-Z])"),
    ("New Relic", "NRAL", r"(?<![0-9a-zA-Z])[0-9a-fA-Fux]{36}NRAL"),
    ("Okta", "00", r"(?<![\w./+-])00(?=[0-9a-f]{0,39}[A-Zg-z_-])[\w-]{40}(?![\w./+-])"),
    ("Asana", ":", r"(?<![\w/])[0-2]/[0-9]{15,17}:[0-9a-f]{32}(?![\w])"),
    ("Facebook app", "|", r"(?<![0-9])[0-9]{15,16}\|[\w-]{27}(?![\w-])"),
    ("Mailgun", "-", r"(?<![0-9a-zA-Z-])[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![0-9a-zA-Z-])"),
    ("Discord", ".", r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w.-])"),
)  # fmt: skip

_AWS_ID: Final = lazy_pattern(r"(?<![A-Za-z0-9])A[KS]IA[0-9A-Z]{16}(?![0-9A-Za-z])")
_AWS_SECRET: Final = lazy_pattern(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")
_LONG: Final = lazy_pattern(r"(?<!\S)\S{13}")
_SHORTEST_MARKED: Final = 36


def _token(beginning: str, rest: str) -> re.Pattern[str]:
    """Return the pattern of a token, with the literal first, because searching for it is fast."""
    literal = re.escape(beginning)
    before = "" if not beginning[0].isalnum() else f"(?<![A-Za-z0-9]{literal})"
    return lazy_pattern(f"{literal}{before}{rest}")


_BY_BEGINNING: Final = {
    beginning: _token(beginning, rest) for _, beginnings, rest in _TOKENS for beginning in beginnings.split()
}
_BY_MARK: Final = tuple((mark, lazy_pattern(whole)) for _, mark, whole in _MARKED)
TOKEN_BEGINNINGS: Final = tuple(_BY_BEGINNING)
_BY_SIGN: Final = tuple(
    (sign, tuple(each for each in TOKEN_BEGINNINGS if (each[-1] if each[-1] in "_-./" else "") == sign))
    for sign in ("", "_", "-", ".", "/")
)


def may_hold_a_token(content: str) -> bool:
    """Return whether a text has a word of the length of a token."""
    return _LONG.search(content) is not None


def _beginnings_in(content: str) -> Iterator[str]:
    for sign, beginnings in _BY_SIGN:
        if sign in content:
            for beginning in beginnings:
                if beginning in content:
                    yield beginning


def without_tokens(content: str, role: str = ORDINARY) -> str:
    """Return the text without tokens of services; next to the id of an AWS key, also without its secret."""
    if ("AKIA" in content or "ASIA" in content) and _AWS_ID.search(content):
        content = _AWS_SECRET.sub(HIDDEN, content)
    for beginning in list(_beginnings_in(content)):
        content = _BY_BEGINNING[beginning].sub(HIDDEN, content)
    if len(content) >= _SHORTEST_MARKED:
        for mark, whole in _BY_MARK:
            if mark in content:
                content = whole.sub(HIDDEN, content)
    return content
