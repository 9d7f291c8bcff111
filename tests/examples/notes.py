"""Notes of what is done, in memory."""


class Notes:
    """Notes in memory; `deaths` of the next notes kill the worker before they are written."""

    def __init__(self) -> None:
        self.done: set[tuple[str, str]] = set()
        self.deaths = 0

    def has(self, what: str, key: str) -> bool:
        return (what, key) in self.done

    def add(self, what: str, key: str) -> None:
        if self.deaths:
            self.deaths -= 1
            raise SystemError("the worker is gone")
        self.done.add((what, key))
