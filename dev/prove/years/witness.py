"""The witness of the years: beside every version that is destroyed, and each evening over everything that is left.

It holds the app against a reference that shares no code with it.
"""

from collections.abc import Sequence
from datetime import timedelta

from dev.in_memory.fakes.custodian import KeptVersion
from dev.prove.years.arrivals import REST
from dev.prove.years.known import Known
from dev.prove.years.world import BUNDLE_DAYS, YearsWorld
from recording.domain.archived.exports import state_name
from recording.domain.keep.custody import CustodyState
from recording.domain.keep.destroy import Place, StoredVersion

DELAY_DAYS = 14
SLACK_DAYS = 1  # the daily run comes once a day


class Witness:
    """A witness of one world."""

    def __init__(self, world: YearsWorld) -> None:
        self._world = world
        world.custodian.on_destroy = self._see_destroyed

    # --- at the moment of destruction --------------------------------------------------------------------------------

    def _see_destroyed(self, version: StoredVersion) -> None:
        self._world.counts("versions destroyed")
        if version.place is Place.EXPORTS:
            self._see_bundle(version)
        elif version.place in (Place.QUARANTINE, Place.DEAD_LETTERS):
            self._see_entry(version)
        elif (one := self._owner(version)) is None:
            self._objects(f"{version.name} belongs to nobody")
        else:
            self._see_file(version, one)

    def _see_file(self, version: StoredVersion, one: Known) -> None:
        self._see_decision(version, one)
        if self._answer(one) != "keep":
            return
        if not one.voices or self._answer(one, voices=True) == "keep":
            self._objects(f"{one.recording_id} destroyed while it must be kept")
        elif version.place is Place.ARCHIVE and self._is_media(version.name):
            self._objects(f"{version.name} destroyed though only a voice goes")

    def _see_decision(self, version: StoredVersion, one: Known) -> None:
        """Say whether the decision that destroys it knew of it, and whether it stood for its days."""
        for document, begun in self._world.unknown.items():
            if document in version.name and begun == self._world.begun_at(one):
                self._objects(f"{version.name} goes by a decision that did not know it")
        if self._answer(one) != "delete" or one.was_unreadable:
            return
        is_early = one.marked is None or self._world.now - one.marked < timedelta(days=DELAY_DAYS)
        is_voice = bool(one.voices) and self._answer(one, voices=True) != "keep"
        if is_early and not is_voice:
            self._objects(f"{one.recording_id} destroyed without its days of a mark")

    def _see_bundle(self, version: StoredVersion) -> None:
        made = self._world.bundles.get(version.name.partition("/")[0])
        if made is None or self._world.now >= made.asked + timedelta(days=BUNDLE_DAYS):
            return
        if not any(self._is_going(name) for name in made.recordings):
            self._objects(f"the bundle {version.name} destroyed before its time")

    def _see_entry(self, version: StoredVersion) -> None:
        ids = self._world.odd.get(version.name, ())
        if len(ids) > 1 and any(self._world.known[name].is_held for name in ids):
            self._objects(f"an entry about {' and '.join(ids)} destroyed under a hold")
        if ids and not any(self._is_going(name) for name in ids):
            self._objects(f"an entry about {' and '.join(ids)} destroyed though nobody goes")

    def _is_going(self, recording_id: str) -> bool:
        """Return whether it, or a voice in it, may be destroyed now, or has been."""
        one = self._world.known[recording_id]
        answers = [self._answer(one)]
        answers += [self._answer(one, voices=True)] if one.voices else []
        return answers != ["keep"] * len(answers) or not self._world.is_there(one)

    # --- each evening ------------------------------------------------------------------------------------------------

    def look_around(self) -> None:
        """Look for what is still there although its time, and the stated delay, are over."""
        left = [one for one in self._world.custodian.remaining() if not one.facts.is_deleted]
        there = {one.recording_id for version in left if (one := self._owner(version.facts)) is not None}
        for one in self._world.known.values():
            self._look_at(one, is_there=one.recording_id in there)
            if one.voices:
                self._listen_to(one, left)
        for version in left:
            self._look_beside(version.facts, there)

    def _look_at(self, one: Known, *, is_there: bool) -> None:
        now = self._world.now
        if not is_there and self._world.state(one) is CustodyState.DISPOSED and not one.is_gone:
            one.is_destroyed(self._world.rules)
        one.was_unreadable = is_there and (one.was_unreadable or one.is_unreadable(now))
        is_marked = is_there and self._answer(one) == "delete"
        one.marked = (one.marked or now) if is_marked else None
        if not is_there or self._answer(one) == "keep":
            one.since = None
            return
        one.since = one.since or now
        if now - max(one.since, one.arrived) > timedelta(days=DELAY_DAYS + SLACK_DAYS):
            self._objects(f"{one.recording_id} is kept past its time")
            one.since = None

    def _listen_to(self, one: Known, left: Sequence[KeptVersion]) -> None:
        """Hear whether the first speaker is gone from all that is stored, bundles too."""
        is_due = self._answer(one, voices=True) != "keep"
        marks = (one.voice + REST) * 2, one.person.encode()
        is_heard = any(mark in version.data for version in left for mark in marks)
        if one.has_voice and not is_heard:
            one.has_voice = one.has_old_facts = False
        if not is_due or not is_heard:
            one.voice_since = None
            return
        one.voice_since = one.voice_since or self._world.now
        if self._world.now - max(one.voice_since, one.arrived) > timedelta(days=SLACK_DAYS):
            self._objects(f"the voice in {one.recording_id} is kept past its time")
            one.voice_since = None

    def _look_beside(self, version: StoredVersion, there: set[str]) -> None:
        world = self._world
        if version.name in world.odd:
            self._look_at_entry(world.odd[version.name], there)
        elif version.place is Place.EXPORTS:
            export_id = version.name.partition("/")[0]
            made, is_note = world.bundles[export_id], version.name == state_name(export_id)
            if not is_note and world.now > made.over_at + timedelta(days=SLACK_DAYS):
                self._objects(f"the bundle {version.name} is kept past its time")
            if not is_note and not there.issuperset(made.recordings):
                self._objects(f"the bundle {version.name} outlives a recording in it")

    def _look_at_entry(self, ids: Sequence[str], there: set[str]) -> None:
        """Say whether an entry is left although a recording in it is gone, and no case ever held another one."""
        others = [self._world.known[name] for name in ids if name in there]
        if len(others) < len(ids) and not any(one.holds or one.was_unreadable for one in others):
            self._objects(f"an entry about {' and '.join(ids)} outlives one of them")

    # --- questions ---------------------------------------------------------------------------------------------------

    def _answer(self, one: Known, *, voices: bool = False) -> str:
        return one.answer(self._world.rules, self._world.now, voices=voices)

    def _is_media(self, name: str) -> bool:
        return any(record.blob_name == name for record in self._world.here.fakes.catalog.chunks.values())

    def _owner(self, version: StoredVersion) -> Known | None:
        if version.place not in (Place.ARCHIVE, Place.FALLBACK) or version.name.startswith("_certificates/"):
            return None
        return next((one for name, one in self._world.known.items() if f"/{name}/" in version.name), None)

    def _objects(self, what: str) -> None:
        self._world.objects(what)
