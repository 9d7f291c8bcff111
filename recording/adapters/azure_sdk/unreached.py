"""The host that could not be reached, and why: host, port and the system's message, but nothing of the request."""

from collections.abc import Iterator

_MOST_CAUSES = 20


def no_connection(error: BaseException) -> str | None:
    """Return the host that could not be reached; None when the request may have arrived."""
    place, why = None, "no answer in time"
    for each in _causes(error):
        # Only what failed before a connection was there carries the connection that was to be made.
        for part in (vars(each).get("conn"), *each.args):
            if hasattr(part, "host") and hasattr(part, "port"):
                place = f"{part.host}:{part.port}"
        if isinstance(each, OSError) and each.strerror:
            why = each.strerror.lower()
    return f"no connection to {place}: {why}" if place else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, through the layers of the SDKs."""
    waiting, seen = [error], 0
    while waiting and seen < _MOST_CAUSES:
        each, seen = waiting.pop(0), seen + 1
        yield each
        parts = (getattr(each, "inner_exception", None), each.__cause__, vars(each).get("reason"), *each.args)
        waiting += [part for part in parts if isinstance(part, BaseException)]
