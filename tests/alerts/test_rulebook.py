"""Files of rules: what is valid, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core import Orchestrator
from odibi_core.alerts import Route, configure_alerts, read_rules
from odibi_core.errors import ConfigurationError
from odibi_core.rules import FailureRule

VALID = """
[[rule]]
kind = "failure"
name = "failed"
escalate_after = "2h"
escalate_to = ["team"]

[[route]]
name = "team"
url = "env:TEAM_SLACK"

[[silence]]
until = 2026-12-01T00:00:00Z
"""


def step() -> int:
    return 1


def refused(text: str, tmp_path: Path, ending: str = "toml") -> str:
    """Return the message by which a file is refused."""
    path = tmp_path / f"rules.{ending}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_rules(path)
    return str(caught.value).replace(f"{path}: ", "").replace(str(path), "FILE")


def test_toml_and_yaml_are_the_same(tmp_path: Path) -> None:
    """A folder has both, in the order of their names; other files are left alone."""
    (tmp_path / "a.toml").write_text(VALID, encoding="utf-8")
    yaml = "rule:\n- {kind: rows, name: few, min: 5, steps: [load, clean]}\nsilence:\n- {hours: '22:00-06:00'}\n"
    (tmp_path / "b.yaml").write_text(yaml, encoding="utf-8")
    (tmp_path / "readme.md").write_text("no rule", encoding="utf-8")
    book = read_rules(tmp_path)
    assert [rule.name for rule in book.rules] == ["failed", "few"]
    assert [list(route.secrets()) for route in book.routes] == [["TEAM_SLACK"]]
    assert len(book.silences) == 2
    assert read_rules(tmp_path) is book


def test_every_problem_of_every_file_is_listed(tmp_path: Path) -> None:
    """The key, the value that was given, and what would be right, with the nearest name."""
    text = """
    [[rule]]
    kind = "rowz"
    [[rule]]
    kind = "rows"
    name = "few"
    minimum = 5
    severity = "eror"
    [[rule]]
    kind = "slow"
    name = "slow"
    factor = 0.5
    longer_than = "2 hours"
    [[rule]]
    kind = "rows"
    name = "none"
    [[rule]]
    kind = "failure"
    [[rules]]
    """
    lines = refused(text, tmp_path).splitlines()
    assert "rule 1: kind must be one of anomaly, budget" in lines[0]
    assert "did you mean 'rows'" in lines[0]
    assert "rule 'few': 'minimum' is no key; there are: name, severity" in lines[1]
    assert "severity is 'eror', which cannot be right: it is one of info, warning, error, critical" in lines[2]
    assert "rule 'slow': factor is 0.5, which cannot be right: it is a number greater than 1" in lines[3]
    assert "longer_than is '2 hours', which cannot be right: a duration is a number and s, m, h" in lines[4]
    assert "rule 'none': one of `min`, `max` and `change` must be given" in lines[5]
    assert "name is missing" in lines[6]
    assert "'rules' is no part of a file of rules (did you mean 'rule'?)" in lines[7]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[rule]]\nkind="failure"\nname="x"\n[[rule]]\nkind="failure"\nname="x"', "rule 'x' is there twice"),
        ('[[rule]]\nkind="failure"\nname="x"\nescalate_after="1h"\nescalate_to=["t"]', "must name a route, got 't'"),
        ('[[rule]]\nkind="failure"\nname="x"\nescalate_to=["team"]', "no effect without `escalate_after`"),
        ('[[rule]]\nkind="failure"\nname="x"\nsteps="a"', '`steps` has no effect with `per = "run"`'),
        ('[[rule]]\nkind="late"\nname="x"\nby="25:00"', "a time of the day is HH:MM"),
        ('[[rule]]\nkind="sql"\nname="x"\nquery="drop table runs"', "`query` must be one SELECT"),
        ('[[route]]\nname="x"', "exactly one of url, alertmanager, webhook, webhook_tag, command must be"),
        ('[[route]]\nname="x"\nurl="slack"', "`url` must be an address of Apprise"),
        ('[[route]]\nname="x"\nwebhook="ftp://a"', "`webhook` must be http://"),
        ('[[route]]\nname="x"\ncommand=["a"]\nheaders={A="b"}', "`headers` are of"),
        ('[[rule]]\nkind="failure"\nname="of ada@example.com"', "must not look like a secret"),
        ("[[silence]]\nreason='x'", "a silence must have an end"),
        ("rule = 5", "rule must be a list of tables"),
        ("rule = [", "is not TOML"),
    ],
)
def test_what_cannot_be_right_is_refused(text: str, words: str, tmp_path: Path) -> None:
    """Each message names the place and the fix."""
    assert words in refused(text, tmp_path)


def test_a_wrong_rule_stops_a_run_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No step runs, and nothing is recorded."""
    (tmp_path / "rules.toml").write_text('[[rule]]\nkind="failure"\nname=""', encoding="utf-8")
    monkeypatch.setenv("ODIBI_ALERTS__RULES", str(tmp_path / "rules.toml"))
    with pytest.raises(ConfigurationError, match="a text of 1 to 120 characters"):
        Orchestrator([step], store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_missing_place_is_named(tmp_path: Path) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigurationError, match=r"alerts\.rules must be a folder, or a \.toml or \.yaml file"):
        read_rules(tmp_path / "rulez")


def test_code_is_checked_as_files_are() -> None:
    """Names are unique, and an object of another kind is refused."""
    with pytest.raises(ConfigurationError, match="'x' is there twice"):
        configure_alerts([FailureRule(name="x"), FailureRule(name="x")])
    with pytest.raises(ConfigurationError, match="rules must be Rule objects, got a Route"):
        configure_alerts([Route(name="x", command=("true",))])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="exactly one of"):
        Route(name="x")


def test_the_example_is_valid() -> None:
    """The file in `examples/` has one rule of most kinds."""
    book = read_rules(Path(__file__).parents[2] / "examples" / "alerts" / "rules.toml")
    assert len({rule.kind for rule in book.rules}) == 10
    assert sorted(name for route in book.routes for name in route.secrets()) == [
        "ALERTMANAGER_URL", "ON_CALL", "TEAM_CHAT",
    ]  # fmt: skip
