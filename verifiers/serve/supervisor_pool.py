"""The verifiers that a service offers, and the bound on the rows that wait for them.

Rows are admitted by request: all of them or none, so that nothing of a refused request was done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BrokenVerifier
from selfplay.verifiers.serve.messages import MAX_ROWS
from selfplay.verifiers.workers.supervisor import Supervisor

DEFAULT_QUEUE = 8 * MAX_ROWS


class Full(Exception):
    """Too many rows wait, and no more are taken; ask again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class SupervisorPool(contextlib.ExitStack):
    """Supervisors by name, started together and closed together (`close`, or the end of a `with`).

    Args:
        offers: what is served, by name.
        workers, timeout: for each verifier, as for `Supervisor`, and so are the errors.
        queue: rows that may wait or be judged at once, over all verifiers.
    """

    def __init__(
        self,
        offers: Mapping[str, VerifierSpec],
        *,
        workers: int = 1,
        timeout: float | None = None,
        queue: int = DEFAULT_QUEUE,
    ) -> None:
        self.queue = queue
        self.waiting = 0
        self.offers = offers
        self.broken: BrokenVerifier | None = None
        """Why a verifier no longer judges; None while all do."""
        self._seconds_a_row = 0.01
        super().__init__()
        try:
            self.supervisors = {
                name: self.enter_context(Supervisor(spec, workers=workers, timeout=timeout))
                for name, spec in offers.items()
            }
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def admitted(self, rows: int) -> Iterator[None]:
        """Hold room for so many rows. Raises Full where there is none."""
        if self.waiting + rows > max(self.queue, rows if self.waiting == 0 else 0):
            raise Full(max(1, min(60, round(self.waiting * self._seconds_a_row))))
        self.waiting += rows
        try:
            yield
        finally:
            self.waiting -= rows

    def note_speed(self, rows: int, seconds: float) -> None:
        """Note how long a batch took from its admission; from it follows when a refused client should ask again."""
        if rows:
            self._seconds_a_row += 0.2 * (seconds / rows - self._seconds_a_row)
