"""A world in which recordings are kept and destroyed, with a witness beside every byte that goes."""

from functools import partial
from typing import Any

from dev.in_memory.builders import RECORDING_ID, chunk, document_id, event, task
from dev.in_memory.fakes.custodian import FakeCustodian
from dev.in_memory.fakes.ports import Fakes
from dev.in_memory.fakes.quarantine import document_of
from dev.in_memory.world import World, world
from recording.domain.keep.destroy import Place
from recording.domain.keep.rules import RetentionRule, RuleAction, RuleSet
from recording.library.keep.dispose import DisposeReport, dispose
from recording.library.keep.rules import set_rules
from recording.ports import QuarantineEntry


def archived(**rules_of_account: Any) -> tuple[World, FakeCustodian]:
    """Return a world with one archived recording, and its custodian."""
    here = world()
    custodian = attached(here.fakes, **rules_of_account)
    here.holds(task())
    here.announces()
    here.runs_due()
    here.follows_up()
    return here, custodian


def put_rule(here: World, action: str, days: float, name: str = "calls", **changes: Any) -> RuleSet:
    """Put one rule in force, beside those there are."""
    known = here.fakes.keeping.rules()
    rule = RetentionRule(name=name, action=RuleAction(action), days=days, **changes)
    rules = [each.model_dump(mode="json", by_alias=True) for each in (*known.rules, rule)]
    return set_rules({"note": "policy", "rules": rules}, "*", "alice", here.ports)


def days_pass(here: World, days: int, *, each: float = 1) -> list[DisposeReport]:
    """Let so many days go by, with the daily run in each."""
    reports = []
    for _ in range(int(days / each)):
        here.fakes.clock.advance(days=each)
        reports.append(dispose(here.ports, here.settings))
    return reports


def late_chunk(here: World, index: int = 1) -> None:
    """Let a chunk of the recording arrive long after the others, and be archived."""
    here.holds(task(index, document_id(index)))
    here.announces(event(chunk(index), id=f"late-{index}", eventTime=here.now.isoformat()))
    here.runs_due()
    here.follows_up()


def blobs_of_recording(here: World) -> list[str]:
    """Return the names of all blobs that are not certificates."""
    return [name for name in here.fakes.archive.blobs if not name.startswith("_certificates/")]


def attached(fakes: Fakes, **rules: Any) -> FakeCustodian:
    """Give a world a custodian that sees everything its containers keep from now on.

    Args:
        fakes: of the world; what they hold already counts as just written.
        rules: of the account, by the attributes of `FakeCustodian`.
    """
    made = FakeCustodian(fakes.clock, versioned=rules.pop("versioned", True))
    for name, value in rules.items():
        setattr(made, name, value)
    places: dict[Place, dict[str, Any]] = {Place.ARCHIVE: fakes.archive.blobs, Place.QUARANTINE: fakes.quarantine.kept}
    if fakes.fallback is not None:
        places[Place.FALLBACK] = fakes.fallback.blobs
    if fakes.dead_letters is not None:
        places[Place.DEAD_LETTERS] = fakes.dead_letters.kept
    places[Place.EXPORTS] = fakes.bundles.blobs
    if fakes.analysts is not None:
        places[Place.ANALYSTS] = fakes.analysts.blobs
    if fakes.seal is not None:
        places[Place.SEAL] = fakes.seal.store.blobs
    notes = {place: made.watch(place, partial(_forgotten, held)) for place, held in places.items()}
    for place, held in places.items():
        for name, kept in held.items():
            notes[place](name, _bytes_of(kept))
    fakes.archive.kept = notes[Place.ARCHIVE]
    fakes.quarantine.noted = notes[Place.QUARANTINE]
    fakes.bundles.kept = notes[Place.EXPORTS]
    if fakes.fallback is not None:
        fakes.fallback.kept = notes[Place.FALLBACK]
    if fakes.analysts is not None:
        fakes.analysts.kept = notes[Place.ANALYSTS]
    if fakes.seal is not None:
        fakes.seal.store.kept = notes[Place.SEAL]
    object.__setattr__(fakes, "custodian", made)
    return made


def _forgotten(held: dict[str, Any], name: str) -> None:
    held.pop(name, None)


def _bytes_of(kept: Any) -> bytes:
    if isinstance(kept, bytes):
        return kept
    if isinstance(kept, QuarantineEntry):
        return document_of(kept)
    for attribute in ("data", "payload", "body"):
        found = getattr(kept, attribute, None)
        if found is not None:
            return found if isinstance(found, bytes) else str(found).encode()
    return b""


__all__ = ["RECORDING_ID", "archived", "attached", "blobs_of_recording", "days_pass", "late_chunk", "put_rule"]
