"""Wrong variants of keeping and destroying: lives of years that do not catch them prove nothing."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from recording.domain.keep import disposition as deciding
from recording.domain.keep import speaker as of_speaker
from recording.library.keep import assess, leftovers

Decide = Callable[..., deciding.Disposition]
Variant = Callable[[], AbstractContextManager[Any]]


def _deciding(variant: Callable[[Decide], Decide]) -> Variant:
    """Return a variant of the one decision."""
    return lambda: mock.patch.object(assess, "disposition", variant(deciding.disposition))


def _without_holds(right: Decide) -> Decide:
    return lambda recording, rules, _holds, requests, now, **more: right(recording, rules, (), requests, now, **more)


def _without_grace(right: Decide) -> Decide:
    def decide(recording: Any, rules: Any, held: Any, requests: Any, now: Any, **_more: Any) -> deciding.Disposition:
        return right(recording, rules, held, requests, now, grace=timedelta())

    return decide


def _deletes_first(right: Decide) -> Decide:
    def decide(recording: Any, rules: Any, held: Any, requests: Any, now: Any, **more: Any) -> deciding.Disposition:
        left = tuple(rule for rule in rules.rules if rule.action != "retain")
        return right(recording, rules.model_copy(update={"rules": left}), held, requests, now, **more)

    return decide


def _never_erases(right: Decide) -> Decide:
    return lambda recording, rules, held, _requests, now, **more: right(recording, rules, held, (), now, **more)


def _believes_all_are_known(right: Decide) -> Decide:
    """Break a rule: somebody whose class an older version did not note counts as nobody."""

    def decide(recording: Any, *rest: Any, **more: Any) -> deciding.Disposition:
        return right(replace(recording, has_unknown_participants=False), *rest, **more)

    return decide


VARIANTS: Mapping[str, Variant] = {
    "holds are not asked": _deciding(_without_holds),
    "no grace period": _deciding(_without_grace),
    "delete before retain": _deciding(_deletes_first),
    "erasures are forgotten": _deciding(_never_erases),
    "an unknown class is nobody": _deciding(_believes_all_are_known),
    "the file with the voice stays": lambda: mock.patch.object(of_speaker, "is_of_old_file", return_value=False),
    "a destroyed recording stays in bundles": lambda: mock.patch.multiple(
        leftovers, _bundles_in=lambda _ports: {}, exports_in=lambda _ports: iter(())
    ),
}
