"""A parser is fed in sequence, whatever the pieces; long runs of zeros are found wherever pieces end."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.in_memory.builders import pieces_of
from recording.domain.media.intake import TO_THE_END, Holes, Intake, Parsing, Skip

DATA = bytes(range(1, 101))
PAGE = Holes.PAGE
CUTS = st.lists(st.integers(0, len(DATA)), max_size=8)


class Parser:
    """Asks for what it was given to ask for, and notes what it receives and where."""

    def __init__(self, requests: Iterable[int | Skip]) -> None:
        self.requests = list(requests)
        self.received: list[tuple[int, bytes]] = []

    def parse(self, intake: Intake) -> Parsing:
        for request in self.requests:
            at = intake.position
            answer = yield request
            if not isinstance(request, Skip):
                self.received.append((at, answer))


def fed(parser: Parser, pieces: Iterable[bytes]) -> Intake:
    intake = Intake(parser.parse)
    for piece in pieces:
        intake.feed(memoryview(piece))
    intake.finish()
    return intake


@given(CUTS, st.lists(st.one_of(st.integers(0, 40), st.integers(0, 40).map(Skip)), max_size=6))
def test_however_the_bytes_arrive_the_parser_receives_the_same(cuts: list[int], requests: list[int | Skip]) -> None:
    """Ranges are cut where the network pleases."""
    whole, cut = Parser(requests), Parser(requests)
    fed(whole, [DATA])
    fed(cut, pieces_of(DATA, sorted(cuts)))
    assert cut.received == whole.received
    for at, answer in whole.received:
        assert answer == DATA[at : at + len(answer)]


def test_at_the_end_of_the_file_the_parser_receives_what_is_left() -> None:
    """It decides whether that is a fault."""
    parser = Parser([90, 20, 5])
    fed(parser, [DATA])
    assert [len(answer) for _, answer in parser.received] == [90, 10, 0]


def test_what_is_skipped_is_not_kept_and_may_end_beyond_the_file() -> None:
    """A box may promise more than is there."""
    parser = Parser([2, Skip(50), 3, TO_THE_END, 1])
    intake = fed(parser, pieces_of(DATA, [1, 2, 40, 60]))
    assert parser.received == [(0, DATA[:2]), (52, DATA[52:55]), (100, b"")]
    assert intake.position == len(DATA)


def test_after_the_parser_has_ended_nothing_more_is_read() -> None:
    """What follows the last box is not its matter."""
    assert fed(Parser([3]), [DATA, DATA]).position == 3


def test_what_the_parser_finds_wrong_is_raised() -> None:
    """The walker turns it into a fault of the media."""

    def parse(_intake: Intake) -> Parsing:
        yield 4
        raise ValueError("wrong")

    intake = Intake(parse)
    with pytest.raises(ValueError, match="wrong"):
        intake.feed(memoryview(DATA))


def holes(data: bytes, cuts: Iterable[int] = ()) -> list[tuple[int, int]]:
    found = Holes()
    for piece in pieces_of(data, sorted(cuts)):
        found.feed(memoryview(piece))
    return found.finish()


def filled(pages: int, *zeros: tuple[int, int]) -> bytes:
    """Return pages of sound with these runs of pages of zeros, the last one not included."""
    data = bytearray(b"\x55" * (pages * PAGE))
    for first, last in zeros:
        data[first * PAGE : last * PAGE] = bytes((last - first) * PAGE)
    return bytes(data)


LONG = filled(40, (20, 24), (30, 39))


@given(st.lists(st.integers(0, len(LONG)), max_size=6))
def test_holes_are_found_wherever_the_pieces_end(cuts: list[int]) -> None:
    """A hole may begin in one range and end in the next."""
    assert holes(LONG, cuts) == [(20 * PAGE, 24 * PAGE), (30 * PAGE, 39 * PAGE)]


def test_a_short_run_in_a_large_file_may_be_padding() -> None:
    """In a small file it may be most of it."""
    assert holes(filled(40, (20, 23))) == []
    assert holes(filled(16, (2, 3), (15, 16))) == [(2 * PAGE, 3 * PAGE), (15 * PAGE, 16 * PAGE)]
    assert holes(filled(17, (16, 17))) == []


def test_zeros_that_are_no_whole_page_are_sound() -> None:
    """Silence has zeros in it."""
    data = bytearray(filled(16, (2, 3)))
    data[2 * PAGE + 7] = 1
    assert holes(bytes(data)) == []


def test_a_file_full_of_holes_is_described_by_a_few() -> None:
    """Each is compared with all places of the index."""
    many = filled(400, *((at, at + 4) for at in range(20, 400, 8)))
    assert len(holes(many)) == Holes.MOST
