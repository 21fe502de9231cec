"""The verifiers that a service offers, and the bound on the rows that wait for them.

Rows are admitted by request: all of them or none, so that a client that is sent away has nothing half done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadSettings, BrokenVerifier
from selfplay.verifiers.serve.messages import MAX_ROWS
from selfplay.verifiers.workers.supervisor import Supervisor

DEFAULT_QUEUE = 8 * MAX_ROWS


class Full(Exception):
    """So many rows wait that no more are taken; `seconds` is when to ask again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True)
class Offer:
    """One verifier to serve, and under which name."""

    name: str
    spec: VerifierSpec


class SupervisorPool:
    """Supervisors by name, started together and closed together.

    Args:
        offers: what is served.
        workers: processes for each verifier.
        timeout: a completion's own budget in seconds, as for `Supervisor`.
        queue: rows that may wait or be judged at once, over all verifiers.

    Raises:
        BadSettings: two offers of one name.
        UnknownVerifier, BadSettings, BrokenVerifier: see `Supervisor`.
    """

    def __init__(
        self, offers: Sequence[Offer], *, workers: int = 1, timeout: float | None = None, queue: int = DEFAULT_QUEUE
    ) -> None:
        self.queue = queue
        self.waiting = 0
        self.offers = {offer.name: offer for offer in offers}
        if len(self.offers) < len(offers):
            raise BadSettings("two of the verifiers have one name; give one another name, as `--verifier strict=math`")
        self.broken: BrokenVerifier | None = None
        """Why a verifier no longer judges; None while all do."""
        self._seconds_a_row = 0.01
        with contextlib.ExitStack() as stack:
            self.supervisors = {
                offer.name: stack.enter_context(Supervisor(offer.spec, workers=workers, timeout=timeout))
                for offer in offers
            }
            self._stack = stack.pop_all()

    @contextlib.contextmanager
    def admitted(self, rows: int) -> Iterator[None]:
        """Hold room for so many rows.

        Raises:
            Full: there is none.
        """
        if self.waiting + rows > max(self.queue, rows if self.waiting == 0 else 0):
            raise Full(max(1, min(60, round(self.waiting * self._seconds_a_row))))
        self.waiting += rows
        try:
            yield
        finally:
            self.waiting -= rows

    def note_speed(self, rows: int, seconds: float) -> None:
        """Learn how long a batch took from its admission, for what a client that is sent away is told."""
        if rows:
            self._seconds_a_row += 0.2 * (seconds / rows - self._seconds_a_row)

    def close(self) -> None:
        """End all workers; what they have is cancelled."""
        self._stack.close()

    def __enter__(self) -> SupervisorPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
