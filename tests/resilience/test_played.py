"""Bad days: each ends as it must, and the sum notices when it does not."""

import pytest

from dev.prove import played


@pytest.mark.parametrize("story", played.STORIES, ids=lambda story: story.__name__)
def test_a_bad_day_ends_as_it_must(story: "played.Story") -> None:
    """What could be saved is saved, what was lost was reported before, and in the end nothing needs attention."""
    assert story().faults == []


def test_a_chunk_that_is_lost_is_noticed() -> None:
    """A sum that cannot be wrong proves nothing."""
    stage = played.Stage("nobody works")
    stage.arrives(0)
    assert len(stage.end().faults) == 1
