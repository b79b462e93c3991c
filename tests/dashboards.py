"""The check of the dashboards of Grafana, for every data source."""

from __future__ import annotations

from typing import Any


def check_board(board: dict[str, Any], uid: str, page: str) -> None:
    """Assert ids of their own, one data source for all, no two panels in one place, and a row of the page for each."""
    assert (board["uid"], board.get("id")) == (uid, None)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["datasource"] == panel["targets"][0]["datasource"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert f"| {panel['title']} |" in page
        at = panel["gridPos"]
        places = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not places & taken
        assert max(x for x, _ in places) < 24
        taken |= places
