"""Which worker began a call, as it notes that in a folder of the run."""

from __future__ import annotations

from pathlib import Path

from odibi_core.executors.began import began_on, note_begin

ONE, OTHER = "a" * 32, "b" * 32


def test_the_last_call_of_a_worker_names_it(tmp_path: Path) -> None:
    """Its file has that call alone."""
    assert note_begin(str(tmp_path), ONE, "192.0.2.1, process 7")
    assert began_on(str(tmp_path), ONE) == "192.0.2.1, process 7"
    assert note_begin(str(tmp_path), OTHER, "192.0.2.1, process 7")
    assert began_on(str(tmp_path), OTHER) == "192.0.2.1, process 7"
    assert began_on(str(tmp_path), ONE) is None


def test_a_folder_that_is_not_here(tmp_path: Path) -> None:
    """A worker of another machine learns that it must report its begin in another way."""
    assert not note_begin(str(tmp_path / "elsewhere"), ONE, "w")
    assert began_on(str(tmp_path / "elsewhere"), ONE) is None


def test_few_files_stay_open(tmp_path: Path) -> None:
    """A worker that serves many runs closes the files of the oldest, and opens one again if it is needed."""
    folders = [tmp_path / str(number) for number in range(20)]
    for folder in (*folders, folders[0]):
        folder.mkdir(exist_ok=True)
        assert note_begin(str(folder), ONE, "w")
    descriptors = Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").exists() else ()
    assert sum(str(tmp_path) in str(each.resolve()) for each in descriptors) <= 8
    assert began_on(str(folders[0]), ONE) == "w"
