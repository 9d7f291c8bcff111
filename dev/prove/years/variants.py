"""Wrong variants of keeping and destroying: lives of years that do not catch them prove nothing."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from recording.domain.archived import exports
from recording.domain.keep import custody
from recording.domain.keep import disposition as deciding
from recording.domain.keep import rules as of_rules
from recording.domain.keep import speaker as of_speaker
from recording.domain.keep.destroy import Place
from recording.library.keep import assess, leftovers
from recording.library.keep import destroy as destroying
from recording.library.keep import dispose as disposing
from recording.library.keep import speaker as speaking

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


def _never_asks_again(right: Decide) -> Decide:
    """Break a rule: a request that a hold has refused once is forgotten."""

    def decide(recording: Any, rules: Any, held: Any, requests: Any, now: Any, **more: Any) -> deciding.Disposition:
        return right(recording, rules, held, () if held else requests, now, **more)

    return decide


def _newest_case_only(right: Decide) -> Decide:
    """Break a rule: of several cases, the one that was placed last counts alone."""

    def decide(recording: Any, rules: Any, held: Any, requests: Any, now: Any, **more: Any) -> deciding.Disposition:
        newest = sorted(held, key=lambda one: one.since)[-1:]
        return right(recording, rules, newest, requests, now, **more)

    return decide


def _old_rules_are_no_law(right: Decide) -> Decide:
    """Break a rule: a rule whose version did not note whether it is law gives way to a request."""

    def decide(recording: Any, rules: Any, *rest: Any, **more: Any) -> deciding.Disposition:
        read = [
            rule if "legal" in rule.model_fields_set else rule.model_copy(update={"legal": False})
            for rule in rules.rules
        ]
        return right(recording, rules.model_copy(update={"rules": tuple(read)}), *rest, **more)

    return decide


def _first_release(holds: Any, grace: timedelta) -> Any:
    ends = [one.released_at for one in holds if one.released_at is not None]
    return min(ends) + grace if ends and not any(one.is_active for one in holds) else None


def _applying(choose: Callable[[list[Any]], list[Any]]) -> Variant:
    """Return a variant of which rules count."""

    def applied(rules: Any, recording: Any) -> list[Any]:
        return choose(list(of_rules.applied(rules, recording)))

    return lambda: mock.patch.object(deciding, "applied", applied)


def _shortest_retention(about: list[Any]) -> list[Any]:
    ends = sorted(one.until for one in about if one.retains)
    return [replace(one, retains=one.retains and one.until == ends[0]) for one in about]


def _longest_delete(about: list[Any]) -> list[Any]:
    ends = sorted(one.until for one in about if one.deletes)
    return [replace(one, deletes=one.deletes and one.until == ends[-1]) for one in about]


def _early(about: list[Any]) -> list[Any]:
    return [replace(one, until=one.until - timedelta(days=1)) for one in about]


def _without_versions(is_forgotten: Callable[[Any], bool]) -> Variant:
    """Return a variant that leaves some of what there is of a recording."""
    plain = destroying._versions

    def versions(*given: Any) -> list[Any]:
        return [one for one in plain(*given) if not is_forgotten(one)]

    return lambda: mock.patch.object(destroying, "_versions", versions)


def _speaker_without_fallback() -> AbstractContextManager[Any]:
    """Break a rule: a voice is taken out of the archive alone."""
    plain = speaking._versions

    def versions(*given: Any) -> list[Any]:
        return [one for one in plain(*given) if one.place is not Place.FALLBACK]

    return mock.patch.object(speaking, "_versions", versions)


def _marked_long_ago() -> AbstractContextManager[Any]:
    plain = custody.marked

    def marked(row: Any, mark: Any) -> Any:
        return plain(row, mark.model_copy(update={"at": mark.at - timedelta(days=100)}))

    return mock.patch.object(custody, "marked", marked)


def _names_alone() -> AbstractContextManager[Any]:
    """Break a rule: of a decision, only the names count; of a crowded recording, each chunk is one that came later."""
    plain = custody.later_than

    def later_than(row: Any, chunks: Any) -> Any:
        return plain(row.model_copy(update={"decided_marks": ""}), chunks)

    return mock.patch.object(custody, "later_than", later_than)


def _one_mark() -> AbstractContextManager[Any]:
    """Break a rule: all chunks have one mark, so that none comes too late for a decision."""
    return mock.patch.object(custody, "_mark_of", return_value=custody._mark_of(""))


def _destroys_nothing_twice() -> AbstractContextManager[Any]:
    plain = destroying.destroy

    def destroy(recording_id: str, leftovers_of: Any, custodian: Any, ports: Any, known: Any) -> Any:
        row = ports.keeping.custody(recording_id)
        if row is not None and row.state is custody.CustodyState.DESTROYING:
            return destroying.Outcome.WAITS
        return plain(recording_id, leftovers_of, custodian, ports, known)

    return mock.patch.object(disposing, "destroy", destroy)


def _any_entry(self: Any, recording_id: str, told: Any) -> list[str]:
    return list(told.by_word.get(recording_id, ()))


def _over_early(self: Any, now: Any) -> bool:
    return bool(now >= self.requested_at + timedelta(days=3))


def _nothing_forgotten(*_: Any) -> list[Any]:
    return []


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
    "grace begins with the first release": lambda: mock.patch.object(deciding, "grace_ends", _first_release),
    "only the newest case holds": _deciding(_newest_case_only),
    "rules of an older version are no law": _deciding(_old_rules_are_no_law),
    "the guard is not asked again behind the decision": lambda: mock.patch.object(
        destroying, "may_destroy", return_value=True
    ),
    "the shortest retention wins": _applying(_shortest_retention),
    "the longest delete wins": _applying(_longest_delete),
    "a day too early": _applying(_early),
    "no retention is law": lambda: mock.patch.object(deciding, "_legal", return_value=[]),
    "a refused request is not taken up again": _deciding(_never_asks_again),
    "nobody has days to change their mind": _marked_long_ago,
    "a mark outlives a change of the rules": lambda: mock.patch.object(custody, "unmarked", lambda row: row),
    "a late chunk goes by a decision before it": lambda: mock.patch.object(
        destroying, "is_of_later_chunk", return_value=False
    ),
    "the marks of a crowded decision are not read": _names_alone,
    "every chunk has the same mark": _one_mark,
    "a destruction that was begun is not ended": _destroys_nothing_twice,
    "earlier versions stay": _without_versions(lambda one: not one.is_current),
    "copies in the second destination stay": _without_versions(lambda one: one.place is Place.FALLBACK),
    "derived files stay": _without_versions(lambda one: "/derived." in one.name),
    "entries of the quarantine stay": lambda: mock.patch.object(leftovers.Leftovers, "quarantined", _nothing_forgotten),
    "dead letters stay": lambda: mock.patch.object(leftovers.Leftovers, "dead_letters", _nothing_forgotten),
    "an entry goes under the hold of another recording in it": lambda: mock.patch.object(
        leftovers.Leftovers, "_about", _any_entry
    ),
    "bundles never end": lambda: mock.patch.object(disposing, "end_bundles", return_value=()),
    "bundles end early": lambda: mock.patch.object(exports.ExportRecord, "is_over", _over_early),
    "the voice stays in bundles": lambda: mock.patch.object(speaking, "bundles_about", _nothing_forgotten),
    "the voice stays in the second destination": _speaker_without_fallback,
    "a voice goes under a hold": lambda: mock.patch.object(of_speaker, "against", return_value=()),
}
