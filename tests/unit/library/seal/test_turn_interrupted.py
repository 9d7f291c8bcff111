"""Turns of the seal that are interrupted, or meet: whatever happens there is one log, and it is continued."""

from pathlib import Path

import pytest

from dev.in_memory.world import WorkerDiedError, World, intercept, leave_alone
from tests.unit.library.seal.seal_world import (
    acts,
    archives,
    copied,
    numbers,
    seal_of,
    sealed_world,
    seals,
    verified,
)


def _calls_of_a_turn() -> int:
    of, count = sealed_world(), 0

    def counting(_port: str, _method: str) -> tuple[Exception | None, bool]:
        nonlocal count
        count += 1
        return None, False

    acts(of)
    archives(of)
    _intercept_seal(of, counting)
    seals(of)
    return count


def _intercept_seal(of: World, decide) -> None:  # type: ignore[no-untyped-def]  # as `intercept`
    intercept(of, decide)
    for fake in (seal_of(of).waiting, seal_of(of).store, seal_of(of).key):
        plain = type(fake).next_failure

        def next_failure(method: str, fake=fake, plain=plain) -> tuple[Exception | None, bool]:  # type: ignore[no-untyped-def]
            error, after = decide(type(fake).__name__, method)
            return (error, after) if error else plain(fake, method)

        fake.next_failure = next_failure  # type: ignore[method-assign]


def _release(of: World) -> None:
    leave_alone(of)
    for fake in (seal_of(of).waiting, seal_of(of).store, seal_of(of).key):
        vars(fake).pop("next_failure", None)


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_at_any_call_leaves_a_log_that_goes_on(after: bool, tmp_path: Path) -> None:
    """Before or after each of the turn's calls: the next turn proves every file, and the log has no fork and no gap."""
    for death in range(_calls_of_a_turn()):
        of, count = sealed_world(), 0
        acts(of)
        archives(of)

        def dying(_port: str, _method: str, death: int = death) -> tuple[Exception | None, bool]:
            nonlocal count
            count += 1
            return (WorkerDiedError(), after) if count == death + 1 else (None, False)

        _intercept_seal(of, dying)
        with pytest.raises(WorkerDiedError):
            seals(of)
        _release(of)
        acts(of)
        assert seals(of).error is None
        folder = tmp_path / f"{death}-{after}"
        verdict = verified(copied(of, folder))
        assert verdict.problems == [], f"died at call {death}"
        assert (verdict.rows, verdict.media) == (2, 1)
        assert numbers(of) in ([0], [0, 1])


@pytest.mark.slow
def test_two_instances_make_one_log_wherever_they_meet(tmp_path: Path) -> None:
    """The second runs a whole turn at each call of the first: one of them wins, and nothing is lost or doubled."""
    for meeting in range(_calls_of_a_turn()):
        of, count = sealed_world(), 0
        acts(of)
        archives(of)

        def meeting_another(_port: str, _method: str, meeting: int = meeting) -> tuple[Exception | None, bool]:
            nonlocal count
            count += 1
            if count == meeting + 1:
                seals(of)  # noqa: B023 - at once
            return None, False

        _intercept_seal(of, meeting_another)
        seals(of)
        _release(of)
        acts(of)
        assert seals(of).error is None
        verdict = verified(copied(of, tmp_path / str(meeting)))
        assert verdict.problems == [], f"met at call {meeting}"
        assert verdict.rows == 2
        assert numbers(of) == list(range(len(numbers(of))))


def test_the_answer_of_the_checkpoint_may_be_lost(of: World, tmp_path: Path) -> None:
    """The service wrote it and the connection broke: it is ours all the same."""
    store = seal_of(of).store
    plain = store.put_once

    def losing(name: str, data: bytes, media_type: str) -> bool:
        plain(name, data, media_type)
        return plain(name, data, media_type)  # the SDK's second try finds the first one's blob

    store.put_once = losing  # type: ignore[method-assign]
    assert seals(of).checkpoints == 1
    assert verified(copied(of, tmp_path)).problems == []
