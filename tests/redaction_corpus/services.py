"""Invented tokens of services, by the formats that the services and public scanners publish."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.redaction_corpus.corpus import Kind, Row

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "1Password": ("ops_eyJ«!an250»", "A3-«!up6»-«!up11»-«!up5»-«!up5»-«!up5»"),
    "age": ("AGE-SECRET-KEY-1«!bech58»",),
    "Airtable": ("pat«!an14».«!hex64»",),
    "Alibaba Cloud": ("LTAI«!an20»",),
    "Anthropic": ("sk-ant-api03-«!url93»AA", "sk-ant-admin01-«!url93»AA"),
    "Artifactory": ("AKCp«!an69»", "cmVmd«!an59»"),
    "Atlassian": ("ATATT3xFfGF0«!an170»=«!HEX8»",),
    "Azure": ("«an3»8Q~«!an34»",),
    "Bitbucket": ("ATBB«!an32»",),
    "Brevo": ("xkeysib-«!hex64»-«!an16»",),
    "Buildkite": ("bkua_«!hex40»",),
    "Clojars": ("CLOJARS_«!hex60»",),
    "Cloudflare": ("v1.0-«!hex24»-«!hex146»",),
    "Contentful": ("CFPAT-«!url43»",),
    "DigitalOcean": ("dop_v1_«!hex64»", "doo_v1_«!hex64»"),
    "Discord": ("https://discord.com/api/webhooks/«d18»/«!url68»", "M«!an23».«!url6».«!url27»"),
    "Docker Hub": ("dckr_pat_«!url27»",),
    "Doppler": ("dp.pt.«!an43»",),
    "Dropbox": ("sl.«!url135»",),
    "Duffel": ("duffel_live_«!url43»",),
    "Dynatrace": ("dt0c01.«!up24».«!up64»",),
    "EasyPost": ("EZAK«!an54»",),
    "Facebook": ("EAAM«!an120»",),
    "Figma": ("figd_«!url40»",),
    "Flutterwave": ("FLWSECK_TEST-«!hex32»-X",),
    "Fly.io": ("fo1_«!url43»", "fm2_«!b64120»"),
    "GitLab": ("glptt-«!hex40»", "gldt-«!url20»", "glrt-«!url20»", "glcbt-ab_«!url20»"),
    "Google": ("GOCSPX-«!url28»", "ya29.a0«!url120»"),
    "Grafana": ("glc_«!b6464»", "glsa_«!an32»_«!hex8»"),
    "Groq": ("gsk_«!an52»",),
    "Heroku": ("HRKU-AA«!url58»",),
    "Infracost": ("ico-«!an32»",),
    "Linear": ("lin_api_«!an40»",),
    "Mailchimp": ("«!hex32»-us12",),
    "Mailgun": ("key-«!hex32»",),
    "MaxMind": ("«!an6»_«!an29»_mmk",),
    "Microsoft Teams": (
        "https://x.webhook.office.com/webhookb2/«uuid»@«uuid»/IncomingWebhook/«!hex32»/«uuid»",
    ),
    "New Relic": ("NRAK-«!up27»", "NRII-«!url32»"),
    "Notion": ("ntn_«!d11»«!an35»", "secret_«!an43»"),
    "NuGet": ("oy2«!low43»",),
    "Octopus Deploy": ("API-«!up26»",),
    "OpenShift": ("sha256~«!url43»",),
    "Perplexity": ("pplx-«!an48»",),
    "PlanetScale": ("pscale_tkn_«!an43»", "pscale_pw_«!an43»"),
    "Plaid": ("access-production-«!uuid»",),
    "Postman": ("PMAK-«!hex24»-«!hex34»",),
    "Prefect": ("pnu_«!an36»",),
    "Pulumi": ("pul-«!hex40»",),
    "Replicate": ("r8_«!an37»",),
    "RubyGems": ("rubygems_«!hex48»",),
    "Sentry": ("sntryu_«!hex64»", "sntrys_eyJpYXQiO«!an80»LCJyZWdpb25fdXJs«!an40»_«!b6443»"),
    "Shippo": ("shippo_live_«!hex40»",),
    "Shopify": ("shpat_«!hex32»", "shpss_«!hex32»", "shppa_«!hex32»"),
    "Slack": ("xapp-1-A«up10»-«d13»-«!hex64»", "xoxe.xoxp-1-«!up163»"),
    "SonarQube": ("squ_«!hex40»", "sqp_«!hex40»"),
    "Square": ("sq0atp-«!url22»", "EAAA«!url60»"),
    "Stripe": ("whsec_«!an32»", "sk_test_«!an24»"),
    "Supabase": ("sbp_«!hex40»",),
    "Tailscale": ("tskey-auth-«!an12»-«!an32»",),
    "Telegram": ("«d10»:AA«!url33»",),
    "Terraform Cloud": ("«an14».atlasv1.«!url67»",),
    "Twilio": ("SK«!hex32»",),
    "Typeform": ("tfp_«!url59»",),
    "Vault": ("hvb.«!an140»",),
    "xAI": ("xai-«!an80»",),
    "Yandex Cloud": ("AQVN«!url36»",),
}
"""Formats that docs/redaction.md does not name: a beginning of its own, or a form that nothing else has."""


def _rows() -> Iterator[Row]:
    """Return each format alone, and in a sentence."""
    for forms in FORMATS.values():
        for form in forms:
            yield form
            yield f"the call with {form} was refused"


KINDS: Final = (Kind("tokens of other services", tuple(_rows())),)
