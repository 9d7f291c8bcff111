"""A custodian in memory, over versions, soft delete, immutability and legal holds as the service documents them.

The rules, which Azurite does not have:

- Each write makes a version. Deleting by name alone makes the current version an earlier one.
- Under a retention policy or a legal hold no version can be deleted; a policy ends, a hold is cleared.
- A deleted version stays for the days of soft delete, and nothing but a permanent delete brings its end nearer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from dev.in_memory.fakes.scripted import Scripted, scripted
from recording.domain.keep.destroy import Place, StoredVersion
from recording.ports import Clock
from recording.ports.library.keeping import DestroyAnswer, HoldAnswer


@dataclass(frozen=True)
class KeptVersion:
    """One version with its bytes."""

    facts: StoredVersion
    data: bytes


class FakeCustodian(Scripted):
    """The versions of what is in the fakes' containers, and the rules of the account.

    Attributes:
        kept: every version there is, by place and name, the earliest first.
        keeps_versions: without, an overwritten or deleted blob is gone after the days of soft delete.
        soft_delete: the days of soft delete.
        immutable: from a version's creation.
        has_holds: the account has legal holds.
        purges: softly deleted versions end at once.
    """

    def __init__(self, clock: Clock, *, versioned: bool = True) -> None:
        super().__init__()
        self.kept: dict[tuple[Place, str], list[KeptVersion]] = {}
        self.keeps_versions = versioned
        self.soft_delete = timedelta()
        self.immutable = timedelta()
        self.has_holds = versioned
        self.purges = False
        self.on_destroy: Callable[[StoredVersion], None] = lambda _version: None  # a witness
        self._clock = clock
        self._numbers = 0
        self._forget: dict[Place, Callable[[str], object]] = {}

    def watch(self, place: Place, forget: Callable[[str], object]) -> Callable[[str, bytes], None]:
        """Return what a container calls with each blob that it keeps; `forget` takes a name out of it."""
        self._forget[place] = forget

        def note(name: str, data: bytes) -> None:
            self._numbers += 1
            earlier = [replace(one, facts=replace(one.facts, is_current=False)) for one in self._of(place, name)]
            if not self.keeps_versions:
                earlier = [one for one in earlier if one.facts.is_deleted]
            until = self._clock.now() + self.immutable if self.immutable and place is Place.ARCHIVE else None
            version = f"v{self._numbers:06d}" if self.keeps_versions else None
            facts = StoredVersion(place, name, version, immutable_until=until, length_bytes=len(data))
            self.kept[place, name] = [*earlier, KeptVersion(facts, data)]

        return note

    @scripted
    def versions(self, place: Place, prefix: str) -> Iterator[StoredVersion]:
        self._let_go()
        names = sorted(name for at, name in self.kept if at is place and name.startswith(prefix))
        return iter([one.facts for name in names for one in self._of(place, name)])

    @scripted
    def set_legal_hold(self, version: StoredVersion, *, is_held: bool) -> HoldAnswer:
        if not self.has_holds:
            return HoldAnswer.UNSUPPORTED
        known = self._find(version)
        if known is None:
            return HoldAnswer.GONE
        self._put(known, replace(known, facts=replace(known.facts, is_held=is_held)))
        return HoldAnswer.DONE

    @scripted
    def read(self, version: StoredVersion) -> bytes | None:
        known = self._find(version)
        return None if known is None or known.facts.is_deleted else known.data

    @scripted
    def destroy(self, version: StoredVersion) -> DestroyAnswer:
        known = self._find(version)
        if known is None:
            return DestroyAnswer.DONE
        if known.facts.is_deleted:
            if self.purges:
                self._put(known, None)
            return DestroyAnswer.DONE
        now = self._clock.now()
        if known.facts.is_held or (known.facts.immutable_until and known.facts.immutable_until > now):
            return DestroyAnswer.REFUSED
        self.on_destroy(known.facts)
        if known.facts.is_current:
            self._forget[version.place](version.name)
        gone = replace(known.facts, is_current=False, gone_at=now + self.soft_delete)
        self._put(known, replace(known, facts=gone) if self.soft_delete and not self.purges else None)
        return DestroyAnswer.DONE

    def remaining(self) -> list[KeptVersion]:
        """Return every version whose bytes the service still has."""
        self._let_go()
        return [one for listed in self.kept.values() for one in listed]

    def _let_go(self) -> None:
        now = self._clock.now()
        for key, listed in list(self.kept.items()):
            left = [one for one in listed if not (one.facts.gone_at and one.facts.gone_at <= now)]
            self.kept[key] = left
            if not left:
                del self.kept[key]

    def _of(self, place: Place, name: str) -> list[KeptVersion]:
        return self.kept.get((place, name), [])

    def _find(self, version: StoredVersion) -> KeptVersion | None:
        self._let_go()
        listed = self._of(version.place, version.name)
        return next((one for one in listed if one.facts.version == version.version), None)

    def _put(self, known: KeptVersion, changed: KeptVersion | None) -> None:
        key = known.facts.place, known.facts.name
        listed = [changed if one is known else one for one in self._of(*key)]
        self.kept[key] = [one for one in listed if one is not None]
        if not self.kept[key]:
            del self.kept[key]
