"""The pages as files: every request of a page has its file, and a folder of other files is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.history.stores import events_of, write_run, write_runs

from odibi_core.errors import ConfigurationError
from odibi_core.events import Event
from odibi_core.store.runs import RunStore
from odibi_core.store.segments import ReadErrors
from odibi_core.testing import an_event
from odibi_core.web.reports import one_error
from odibi_core.web.requests import OfNothing
from odibi_core.web.source import Source
from odibi_core.web.static_files import write_static

HARD = "a/b #?%2f é"


def test_each_page_has_the_files_that_it_asks_for(tmp_path: Path) -> None:
    """The index names requests as a browser spells them; files of an earlier call that no request needs are gone."""
    names = write_runs(tmp_path / "store", 6)
    hard = "20260201T040000-hard-00000001"
    write_run(tmp_path / "store", hard, events_of(hard, HARD, 31))
    site = tmp_path / "site"
    (site / "data").mkdir(parents=True)
    for old in ("index.json", "old.json"):
        (site / "data" / old).write_text("{}", encoding="utf-8")
    written = write_static(Source(RunStore(tmp_path / "store")), site, "0")
    assert (written.runs, written.runs_in_all) == (7, 7)
    files = json.loads((site / "data" / "index.json").read_text("utf-8"))
    run = names[-1]
    requests = ["pipelines", "runs", "alerts", "errors", "costs", "health", "usage", "datasets", f"runs/{run}/log"]
    requests += [f"runs/{run}", f"metrics?run={run}", f"compare?run={run}", "runs?pipeline=daily"]
    requests += ["pipelines/daily/history", "pipelines/daily/steps/load"]
    requests += ["pipelines/a%2Fb%20%23%3F%252f%20%C3%A9/steps/clean", "runs?pipeline=a%2Fb+%23%3F%252f+%C3%A9"]
    assert [request for request in requests if request not in files] == []
    assert json.loads((site / "data" / files[f"runs/{run}"]).read_text("utf-8"))["run"]["id"] == run
    assert {path.name for path in (site / "data").iterdir()} == {"index.json", *files.values()}
    assert "script-src 'self'" in (site / "index.html").read_text("utf-8")
    assert (site / "assets" / "views" / "fleet.js").is_file()


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    """The error names the folder, and nothing in it is changed."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="site"):
        write_static(Source(RunStore(tmp_path / "store")), tmp_path / "site", "0")
    assert [path.read_text("utf-8") for path in (tmp_path / "site").iterdir()] == ["mine"]


class CountedReads(RunStore):
    """Counts the reads of runs."""

    reads = 0

    def read(self, run_id: str, read_errors: ReadErrors | None = None) -> Iterator[Event]:
        self.reads += 1
        return super().read(run_id, read_errors)


def test_the_pages_of_many_errors_read_their_run_once(tmp_path: Path) -> None:
    """Each page has the answer of its own request, and a run is not read again for each of its errors."""
    reads = []
    for number in (1, 12):
        failures = [
            an_event("error", error=f"no table of {word}", error_type=f"{word}Error", run_id="run", writer_id="run")
            for word in ("Alpha", "Beta", "Gamma", "Delta", "Eta", "Iota", "Kappa", "Mu", "Nu", "Pi", "Rho", "Tau")
        ]
        store = CountedReads(tmp_path / f"store{number}")
        write_run(store.root, "run", [*events_of("run"), *failures[:number]])
        write_static(Source(store), tmp_path / f"site{number}", "0")
        reads.append(store.reads)
        files = json.loads((tmp_path / f"site{number}" / "data" / "index.json").read_text("utf-8"))
        pages = {name.removeprefix("errors/"): file for name, file in files.items() if name.startswith("errors/")}
        assert len(pages) == number
        for fingerprint, file in pages.items():
            found = json.loads((tmp_path / f"site{number}" / "data" / file).read_text("utf-8"))
            alone = one_error(Source(RunStore(store.root)), OfNothing(), fingerprint)
            assert found == json.loads(msgspec.json.encode(alone, enc_hook=str))
            assert found["example"]["event_type"] == "error"
    assert reads[0] == reads[1]
