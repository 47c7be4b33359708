"""What committers of tests commit to, and whom they tell of it."""

import threading
from collections.abc import Sequence


class Store:
    """Doubles what it is given; negative numbers break the batch they are in. It can be made to wait."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()
        self.error: Exception = ValueError("negative")

    def flush(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.open.wait(30)
        if min(items) < 0:
            raise self.error
        return [item * 2 for item in items]


class Told:
    """Collects what became of posted items, and may be made to wait or to fail."""

    def __init__(self) -> None:
        self.ends: list[tuple[int, int | BaseException]] = []
        self.error: Exception | None = None

    def __call__(self, ends: Sequence[tuple[int, int | BaseException]]) -> None:
        self.ends += ends
        if self.error is not None:
            raise self.error
