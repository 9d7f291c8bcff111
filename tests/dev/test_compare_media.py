"""The comparison with PyAV counts each file in the right cell, and damages files at repeatable places."""

from pathlib import Path

import pytest

from dev.compare_media.command import Row, main, probe
from dev.compare_media.judge import Verdict, play
from dev.in_memory.builders import mp4, wav
from recording.domain.formats import FormatType
from recording.domain.media import MediaFacts


@pytest.mark.parametrize(
    ("length_ms", "fault", "plays_ms", "outcome"),
    [
        (1000.0, None, 1000.0, "agree"),
        (1000.0, None, 1900.0, "both play, lengths differ"),
        (1000.0, None, 0.0, "accepted, PyAV decodes nothing"),
        (None, "cut", 1000.0, "refused, PyAV decodes some of it"),
        (None, None, 1000.0, "accepted without a length, with a remark"),
        (26.0, None, 0.0, "both find nothing, or scraps"),
        (None, "cut", 0.0, "both find nothing, or scraps"),
    ],
)
def test_a_file_counts_in_its_cell(length_ms: float | None, fault: str | None, plays_ms: float, outcome: str) -> None:
    """A disagreement in the wrong cell would be overlooked."""
    facts = MediaFacts(FormatType.WAV, length_ms, fault=fault)
    assert Row("x.wav", facts, Verdict(plays_ms=plays_ms)).outcome == outcome


def test_a_damaged_file_that_is_accepted_as_a_shorter_one_is_not_called_agreed() -> None:
    """The decoder plays what is left of it, and that is as long as the walker says."""
    cut = Row("a~lost.mp3", MediaFacts(FormatType.MP3, 1000.0), Verdict(plays_ms=1000.0), whole_ms=2000.0)
    assert cut.outcome == "damaged, accepted as a shorter file"
    assert Row("a~lost.mp3", MediaFacts(FormatType.MP3, 1990.0), Verdict(plays_ms=1990.0), 2000.0).outcome == "agree"


def test_judge_and_probe_agree_on_a_plain_file(tmp_path: Path) -> None:
    """Both sides of the comparison really look at the file."""
    path = tmp_path / "plain.wav"
    path.write_bytes(wav(500))
    assert play(path).plays_ms == probe(path).duration_ms == 500


def test_the_table_names_a_file_that_only_a_decoder_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A picture of zeros has a whole structure: the limit of every walker."""
    (tmp_path / "zeros.mp4").write_bytes(mp4())
    assert main([tmp_path], fetch=False, encode=False, cache=tmp_path / "cache.json", write_docs=False) == 0
    assert "Accepted, PyAV decodes nothing" in capsys.readouterr().out
