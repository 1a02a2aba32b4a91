"""How much memory a computation needs, on Linux."""

from __future__ import annotations

import threading
from pathlib import Path

_SECONDS_BETWEEN_SAMPLES = 0.002


class PeakMemory:
    """Largest anonymous memory of this process while a block runs, above that before it.

    Sampled from /proc, so that a peak of less than two milliseconds may be missed.  Pages of files that are mapped
    are not counted: the system takes them back when it needs them.

    Attributes:
        peak: The memory in bytes, once the block has ended.
    """

    def __enter__(self) -> PeakMemory:
        self._before, self.peak, self._stop = _anonymous(), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_SECONDS_BETWEEN_SAMPLES):
            self.peak = max(self.peak, _anonymous() - self._before)


def _anonymous() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])
