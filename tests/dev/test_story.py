"""The night story: every face of the app agrees at every step, and the page is what is played."""

import pytest

from dev.story.alerts import disagreements
from dev.story.faces import Faces, faces_of
from dev.story.night import Night, at_three, mends
from dev.story.page import PAGE, Story, played_part, told
from recording.domain.watched.attention import Attention
from recording.operate.attention import NeedsAttention


@pytest.fixture(scope="module")
def night() -> Night:
    """The night at three o'clock."""
    return at_three()


@pytest.fixture(scope="module")
def story() -> Story:
    """The night as it is told."""
    return told()


def test_six_troubles_are_there_and_all_faces_agree(night: Night) -> None:
    """Status, list, doctor, deep health and GET held: none is green while another is red."""
    found = faces_of(night.here)
    assert list(found.disagreements()) == []
    assert found.kinds["model"] == {"at_risk": 1, "stuck": 1, "missing": 1, "lost": 1, "held": 2}
    assert all(found.red.values())
    assert set(found.kinds["model"]) <= set(Attention)


def test_each_trouble_ends_and_the_faces_agree_after_each(story: Story) -> None:
    """In the end all is green; on the way nothing is hidden."""
    assert story.faults == []
    steps = [line for line in story.text.splitlines() if line.startswith("All views: ")]
    assert [int(line.split()[3]) for line in steps] == [6, 5, 4, 3, 2, 1, 0, 0]
    assert len(list(mends())) == 6
    assert steps[-1].endswith("GET health/deep 200.")


def test_the_page_is_what_is_played(story: Story) -> None:
    """A transcript of yesterday's program misleads at night."""
    assert story.text == played_part(PAGE.read_text("utf-8")), "write it anew: python -m dev story night --write"


def test_nothing_is_deleted_at_acs_that_is_not_proved(night: Night) -> None:
    """The witness of the world looks at every delete (I1); here one recording was archived."""
    assert len(night.source.deleted) == 1


def test_the_alerts_tell_of_each_trouble_and_end_with_it(story: Story) -> None:
    """They are what wakes people: one that is over must not stand for two days."""
    alerts = [
        line.removeprefix("Alerts: ").rstrip(".") for line in story.text.splitlines() if line.startswith("Alerts")
    ]
    assert set(alerts[0].split(", ")) == {
        *("chunk-at-risk", "chunk-expired", "chunk-quarantined", "chunk-stuck"),
        *("event-rejected", "operator-fault", "recording-missing"),
    }
    assert alerts[-1] == "none"


def test_an_alert_that_is_quiet_or_stands_too_long_is_found() -> None:
    """The comparison itself is awake."""
    assert list(disagreements(frozenset({"chunk-expired"}), {"lost": 1})) == []
    assert list(disagreements(frozenset(), {"lost": 1})) == ["no alert tells of lost"]
    assert len(list(disagreements(frozenset({"chunk-expired", "operator-fault"}), {}))) == 2


@pytest.mark.parametrize("place", ["recording.http.routes", "recording.cli.status", "recording.operate.doctor.storage"])
def test_a_face_that_lies_is_found(night: Night, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The comparison itself is awake."""
    monkeypatch.setattr(f"{place}.needs_attention", lambda *_: NeedsAttention(()))
    assert list(faces_of(night.here).disagreements()) != []


def test_a_red_light_over_nothing_is_a_disagreement_too() -> None:
    """Who is woken for nothing stops looking."""
    found = Faces(kinds={"model": {}, "status": {}}, red={"status": True}, numbers={})
    assert list(found.disagreements()) == ["status is red"]
