"""A small asyncio service in which every line of a request has the correlation id of the request.

    python examples/asyncio_service.py
    LOG_FORMAT=json python examples/asyncio_service.py

Requests arrive for about two seconds, three workers answer them, one in ten fails, and a summary is printed. Ctrl-C and
SIGTERM end it sooner: it accepts no more requests and answers those in the queue. `odibi errors`, `odibi timing` and
`odibi logs` then show the record.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from signal import SIGINT, SIGTERM

from odibi_core.observability import (
    HealthCheckResult,
    HealthStatus,
    LogContext,
    add_breadcrumb,
    capture_exception,
    get_logger,
    get_metrics,
    init_observability,
    performance_monitor,
    register_health_check,
    run_health_checks,
    track_performance,
)

log = get_logger("shop.service")

REQUESTS, WORKERS, EVERY_S = 40, 3, 0.045
MOST_WAITING = 20


class OutOfStockError(Exception):
    """The article is sold out."""


@dataclass(frozen=True)
class Request:
    """The request of a customer; `id` is its correlation id."""

    id: str
    customer: str
    article: int


@dataclass
class Service:
    """A queue of requests and the workers that answer them."""

    waiting: asyncio.Queue[Request] = field(default_factory=asyncio.Queue)
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    answered: Counter[str] = field(default_factory=Counter)

    async def run(self, requests: int) -> None:
        """Accept up to `requests` requests, fewer if the service is ending, and answer all of them."""
        workers = [asyncio.create_task(self._work(number)) for number in range(WORKERS)]
        async for request in arriving(requests):
            if self.ending.is_set():
                break
            await self.waiting.put(request)
        await self.waiting.join()
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, number: int) -> None:
        while True:
            request = await self.waiting.get()
            with LogContext(user=request.customer, correlation_id=request.id, worker=number):
                self.answered[await answer(request)] += 1
            self.waiting.task_done()

    def keeps_up(self) -> HealthCheckResult:
        """Return the health of the queue: a long queue means that the service is too slow."""
        length = self.waiting.qsize()
        status = HealthStatus.HEALTHY if length <= MOST_WAITING else HealthStatus.DEGRADED
        return HealthCheckResult("queue", status, f"{length} requests are waiting", details={"waiting": length})


async def answer(request: Request) -> str:
    """Return `answered` or `failed`; a failed request does not affect the others."""
    log.info("request_received", article=request.article)
    try:
        with track_performance("request", tags={"kind": "order"}):
            price, left = await asyncio.gather(price_of(request.article), stock_of(request.article))
            if not left:
                raise OutOfStockError(f"article {request.article} is sold out")
    except OutOfStockError as error:
        capture_exception(error, context={"article": request.article})
        log.warning("request_failed", reason=str(error))
        return "failed"
    log.info("request_answered", price=price)
    return "answered"


@performance_monitor("price")
async def price_of(article: int) -> float:
    """Request the price from another, slow service."""
    await asyncio.sleep(0.02 + article % 5 / 100)
    return 9.9 + article


@performance_monitor("stock")
async def stock_of(article: int) -> int:
    """Request the stock from the warehouse, which lacks every tenth article."""
    add_breadcrumb("asked the warehouse", category="stock", data={"article": article})
    await asyncio.sleep(0.03)
    return article % 10


async def arriving(requests: int, seed: int = 11) -> AsyncIterator[Request]:
    """Yield the requests in order."""
    random = Random(seed)
    for number in range(requests):
        yield Request(f"req-{number:03d}", random.choice(["ada", "bob", "eve"]), number)
        await asyncio.sleep(EVERY_S)


async def serve(requests: int = REQUESTS) -> Service:
    """Run the service from start to end and return it."""
    service = Service()
    register_health_check(service.keeps_up, name="queue")
    for signal in (SIGINT, SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal, service.ending.set)
    log.info("service_started", workers=WORKERS)
    await service.run(requests)
    health = await asyncio.to_thread(run_health_checks)
    log.info("service_ended", health=health["status"], **service.answered)
    return service


def main() -> None:
    """Run the service and print a summary."""
    init_observability()
    service = asyncio.run(serve())
    counters = get_metrics().counters
    measured, failed = counters["operation.success"], counters["operation.failure"]
    print(f"{service.answered['answered']} requests answered, {service.answered['failed']} failed")
    print(f"{measured + failed:.0f} operations measured, {failed:.0f} of them failed")


if __name__ == "__main__":
    main()
