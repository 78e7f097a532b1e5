"""One process at a time works on a dataset: a lease in the database, kept alive by a heartbeat."""

from __future__ import annotations

import logging
import threading
import uuid
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from publisher.errors import LeaseHeld
from publisher.store import Store

logger = logging.getLogger(__name__)


class Lease:
    """The right to work on one dataset, as a context manager.

    A process that dies leaves a lease that runs out after `seconds`; then another may take it.
    """

    def __init__(self, store: Store, dataset: str, *, seconds: int) -> None:
        self.dataset = dataset
        self._store = store
        self._seconds = seconds
        self.holder = str(uuid.uuid4())
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease {dataset}", daemon=True)

    def __enter__(self) -> Self:
        """Take the lease and start its heartbeat.

        Raises:
            LeaseHeld: another process holds it.
        """
        if not self._store.take_lease(self.dataset, self.holder, self._seconds):
            raise LeaseHeld(
                "Another run works on this dataset.",
                dataset=self.dataset,
                cure=f"wait for it to end; a run that died frees the dataset after {self._seconds} s",
            )
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the heartbeat and give the lease back."""
        self._stop.set()
        self._heart.join()
        self._store.drop_lease(self.dataset, self.holder)

    def check(self) -> None:
        """Refuse to go on without the lease; called between steps and before anything becomes visible.

        Raises:
            LeaseHeld: the lease ran out while this process was stalled and another took it.
        """
        if self._lost.is_set() or not self._store.renew_lease(self.dataset, self.holder, self._seconds):
            self._lost.set()
            cure = "nothing to do: the other run goes on"
            raise LeaseHeld("The lease was lost to another run.", dataset=self.dataset, cure=cure)

    def _beat(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            try:
                if not self._store.renew_lease(self.dataset, self.holder, self._seconds):
                    self._lost.set()
                    return
            except SQLAlchemyError as error:  # the next beat, or the next check, asks again
                logger.warning("the lease of %s could not be renewed: %s", self.dataset, type(error).__name__)
