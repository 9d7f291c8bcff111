"""Spellings of participants: every way to write one number or one id leads to one canonical text. Pure.

Only international spellings are understood (`+49 30 …`, `0049…`, `tel:`, `4:`): which country a national spelling means
is nowhere written down, so it finds by its last digits (docs/adr/0030).
"""

import re
import unicodedata
from enum import StrEnum

LAST_DIGITS = 7  # "number ends in": enough to be selective, few enough for a number without its area code
_SCHEME = re.compile(r"^(?:tel:|sips?:|callto:|4:)", re.IGNORECASE)
_TRUNK = re.compile(r"[(\[]\s*0\s*[)\]]")  # "+49 (0) 30": the zero is dialled inside the country only
_SEPARATORS = re.compile(r"[\s().\[\]\-/\u2010-\u2015\u2212\u00b7\u2022]+")
# What is dialled after the number, and where a SIP address goes: neither is part of the number.
_BEHIND = re.compile(
    r"[;,@].*|(?<=[0-9)])\s*(?:ext(?:n|ension)?\.?|x|#)\s*[.:]?\s*[0-9]{1,8}#?\s*$", re.IGNORECASE | re.DOTALL
)
_E164 = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class ParticipantClass(StrEnum):
    """What kind of party took part."""

    PHONE = "phone"
    ACS = "acs"
    TEAMS = "teams"
    BOT = "bot"
    OTHER = "other"

    @classmethod
    def of(cls, raw_id: str) -> "ParticipantClass":
        """Return the class of a raw participant id, which discloses nothing else about the person."""
        bare = raw_id.strip().lower()
        prefixes = {
            "4:": cls.PHONE,
            "+": cls.PHONE,
            "8:acs:": cls.ACS,
            "8:spool:": cls.ACS,
            "8:orgid:": cls.TEAMS,
            "8:gcch:": cls.TEAMS,
            "8:dod:": cls.TEAMS,
            "8:teamsvisitor:": cls.TEAMS,
            "28:": cls.BOT,
        }
        other = cls.PHONE if e164(raw_id) else cls.OTHER
        return next((kind for prefix, kind in prefixes.items() if bare.startswith(prefix)), other)


def e164(text: str) -> str | None:
    """Return a number as `+` and digits; None when the text is not a number in an international spelling."""
    bare = _bare(text)
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    return bare if _E164.fullmatch(bare) else None


def last_digits(text: str) -> str | None:
    """Return the digits that "ends in" compares; None when there are fewer."""
    digits = _bare(text).removeprefix("+")
    return digits[-LAST_DIGITS:] if _DIGITS.fullmatch(digits) and len(digits) >= LAST_DIGITS else None


def canonical_participant(raw_id: str) -> str:
    """Return the one spelling of a participant: `4:+E164` for a number, else the raw id in lower case."""
    number = e164(raw_id)
    return f"4:{number}" if number else raw_id.strip().lower()


def _bare(text: str) -> str:
    """Return a number without its scheme, its extension and separators.

    A leading space before digits was a plus, which a query string reads so.
    """
    plain = _in_plain_characters(text)
    plain = re.sub(r"^(4:)? (?=[1-9])", r"\1+", plain)
    stripped = _BEHIND.sub("", re.sub(r"^%2b", "+", _SCHEME.sub("", plain.strip()), flags=re.IGNORECASE))
    international = _TRUNK.sub("", stripped) if stripped.strip().startswith(("+", "00")) else stripped
    return _SEPARATORS.sub("", international)


def _in_plain_characters(text: str) -> str:
    """Return the text with digits of any script and full-width forms as ASCII has them, and nothing invisible in it.

    Address books and web pages put marks of the writing direction around numbers, and they are copied along.
    """
    unified = unicodedata.normalize("NFKC", text)
    visible = (character for character in unified if unicodedata.category(character) != "Cf")
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in visible)
