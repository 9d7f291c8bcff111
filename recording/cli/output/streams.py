"""The standard streams, whatever they are: a terminal, a file, a pipe whose reader has left, any character set."""

import codecs
import io
import os
import sys
from contextlib import suppress

_SPELT = {"…": "...", "→": "->", "·": "-", "–": "-", "—": "-", "━": "-", "─": "-"}
_SPELT |= {"×": "x", "■": "#", "□": "o", "✗": "x"}
_SPELLS = "recordings-spells"


def take_any_character() -> None:
    """Let the standard streams spell out what their character set does not have, where they would raise."""
    codecs.register_error(_SPELLS, _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SPELLS)


def write(text: str) -> bool:
    """Write to the standard output at once; return False, and raise nothing, once its reader has left (`| head`)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard()
        return False
    return True


def complain(text: str) -> None:
    """Write to the standard error, so that no program takes a complaint for an answer."""
    with suppress(BrokenPipeError):
        sys.stderr.write(text)
        sys.stderr.flush()


def discard() -> None:
    """Send what follows to nowhere: the command ends with its own exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """Return the nearest ASCII of characters that a stream cannot encode, or their numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SPELT.get(one) or one.encode("ascii", "backslashreplace").decode() for one in missing), error.end
