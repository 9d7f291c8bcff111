"""Spellings of participants: one person is one text, however a number was typed, copied or sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.domain.incoming.participants import ParticipantClass, canonical_participant, e164, last_digits

NUMBER = "+493012345678"
SPELLINGS = [
    "+49 (0)30 1234-5678",
    "+49 [0] 30 12345678",
    "00 49 (0) 30 12345678",
    "0049-30-12345678",
    "tel:+49-30-12345678;ext=5",
    "tel:%2B493012345678",
    "callto:+493012345678",
    "sip:+493012345678@sbc.example.com;user=phone",
    "sips:+493012345678@sbc.example.com",
    "4:+493012345678",
    "4: 493012345678",
    " 493012345678",
    "+49 30 12345678 ext. 45",
    "+49 30 12345678 Extension 45",
    "+493012345678x45",
    "+49 30 12345678 #45",
    "+49 30 12345678,,45#",
    "\u202a+49 30 12345678\u202c",
    "\ufeff+49\u00ad30\u200b12345678",
    "+49\u00a030\u202f1234\u22125678",
    "+49\u00b730\u00b712345678",
    "\uff0b\uff14\uff19\uff08\uff13\uff10\uff09\uff11\uff12\uff13\uff14\uff0d\uff15\uff16\uff17\uff18",
    "+\u0664\u0669 30 12345678",
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_an_international_number_is_one_number_in_every_spelling(spelling: str) -> None:
    """As asked for, and as metadata names a participant."""
    assert e164(spelling) == NUMBER
    assert last_digits(spelling) == "2345678"
    assert canonical_participant(spelling) == f"4:{NUMBER}"
    assert ParticipantClass.of(spelling) is ParticipantClass.PHONE


@pytest.mark.parametrize(
    "national", ["030 1234 5678", "(030) 12345678", "tel: 030-12345678", "2345678 x45", "12345678"]
)
def test_a_national_number_is_known_by_its_last_digits_only(national: str) -> None:
    """Nobody told the country."""
    assert e164(national) is None
    assert last_digits(national) == "2345678"


@pytest.mark.parametrize(
    "other",
    [
        "8:acs:0ca7a121-0000_00000001-cafe",
        "8:orgid:Carl",
        "sip:alice@example.com",
        "sip:1234567@",
        "28:bot",
        "+",
        "#1234567",
        "x45",
        "",
        "+0 30 1234567",
        "+49 30 1234567 8 or so",
        "+4930123456781234567",
    ],
)
def test_what_is_no_number_stays_as_it_is(other: str) -> None:
    """An id is compared whole, without regard to case."""
    assert e164(other) is None
    assert canonical_participant(other) == other.strip().lower()


@given(st.text(max_size=40))
def test_the_one_spelling_of_a_spelling_is_itself(text: str) -> None:
    """Whatever the text, it is read the same again; and nothing that can be typed fails."""
    number = e164(text)
    assert number is None or e164(number) == e164(canonical_participant(text)) == number
    digits = last_digits(text)
    assert digits is None or (digits.isascii() and digits.isdigit())
