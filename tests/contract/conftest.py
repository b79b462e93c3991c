"""What tests of the contract share."""

from collections.abc import Iterator

import pytest
from tests.services.prometheus_server import PrometheusServer, scraping


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """One for all tests: it scrapes a program that does everything that is measured, again and again."""
    with scraping(tmp_path_factory.mktemp("prometheus")) as server:
        yield server
