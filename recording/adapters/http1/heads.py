"""Refuses heads of answers that can be read in more than one way: another reader would see another body in them.

The standard library's parser takes the first of several lengths, reads framings that it does not know as none, and
drops all fields behind a malformed line. A proxy in between may have read otherwise.
"""

import http.client
import re
from email import errors
from email.message import Message

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
_NO_FIELD = (  # other defects are about bodies of mail
    errors.FirstHeaderLineIsContinuationDefect,
    errors.InvalidHeaderDefect,
    errors.MisplacedEnvelopeHeaderDefect,
    errors.MissingHeaderBodySeparatorDefect,
)
_FRAMINGS = ("chunked", "identity")
_TOLD_ONCE = ("Content-Length", "Content-Range", "Content-Encoding", "Transfer-Encoding", "ETag", "Location")


class UnclearHeadError(http.client.HTTPException):
    """The head of an answer has no one meaning."""


def check_head(fields: Message) -> None:
    """Check that the fields of an answer leave no doubt about its body.

    Raises:
        UnclearHeadError: a line is malformed, a field that decides is told twice and differently, or the length or the
            framing is none that HTTP/1.1 knows.
    """
    told = {name: {value.strip() for value in fields.get_all(name, [])} for name in _TOLD_ONCE}
    is_clear = (
        not any(isinstance(defect, _NO_FIELD) for defect in fields.defects)
        and all(_NAME.fullmatch(name) for name in fields)
        and all(len(values) <= 1 for values in told.values())
        and all(_LENGTH.fullmatch(value) for value in told["Content-Length"])
        and all(value.lower() in _FRAMINGS for value in fields.get_all("Transfer-Encoding", []))
    )
    if not is_clear:
        raise UnclearHeadError
