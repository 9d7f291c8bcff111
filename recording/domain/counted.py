"""Numbers with their nouns, as sentences need them."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{count} {noun if count == 1 else plural or f'{noun}s'}"
