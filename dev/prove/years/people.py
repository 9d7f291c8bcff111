"""What people do in the years: they hold, release, make rules, tag, and have recordings and voices erased."""

from typing import Any

from dev.prove.years.arrivals import KINDS, TAGS
from dev.prove.years.known import Known, Rule
from dev.prove.years.world import YearsWorld
from recording.errors import RequestError, StorageError
from recording.library.keep.erasures import approve_erasure, request_erasure
from recording.library.keep.holds import place_hold, release_hold
from recording.library.keep.rules import set_rules
from recording.library.tags import change_tags

CASES = 3
ACTIONS = ("retain", "delete", "delete", "retain_and_delete")


def hold(world: YearsWorld, one: Known) -> None:
    """Place a hold; it may be refused only when the decision to destroy was taken."""
    case = f"case-{world.random.randrange(CASES)}"
    held = {known.case for known in world.cases(one)}
    try:
        place_hold(one.recording_id, case, "lawsuit", None, world.here.ports)
    except RequestError as error:
        if world.is_there(one) and not world.is_begun(one):
            world.objects(f"{one.recording_id} is there and cannot be held: {error.code}")
        return
    except StorageError:
        if not one.is_unreadable(world.now):
            raise
        return
    if case not in held:
        one.holds.append((world.now, None))
    world.counts("holds")


def release(world: YearsWorld, one: Known) -> None:
    """Release one of its cases."""
    active = list(world.cases(one))
    if not active or one.is_unreadable(world.now):
        return
    release_hold(one.recording_id, world.random.choice(active).case, "over", None, world.here.ports)
    place = next(at for at, (_, end) in enumerate(one.holds) if end is None)
    one.holds[place] = (one.holds[place][0], world.now)
    world.counts("releases")


def make_rules(world: YearsWorld, _one: Known | None = None) -> None:
    """Put other rules in force."""
    world.rules = chosen_rules(world)
    body = [
        {
            "name": f"rule {at}",
            "action": action,
            "days": days,
            "legal": legal,
            "when": {"tags": {"line": tag} if tag else {}, "participants": [kind] if kind else []},
        }
        for at, (action, days, legal, tag, kind) in enumerate(world.rules)
    ]
    set_rules({"note": "policy", "rules": body}, "*", "alice", world.here.ports)
    world.rules_have_changed()
    world.counts("rules")


def chosen_rules(world: YearsWorld) -> list[Rule]:
    """Return some rules, of any kind."""
    habits, chance = world.habits, world.random
    return [
        (
            chance.choice(ACTIONS),
            chance.randrange(habits.shortest, habits.longest),
            chance.random() < 0.7,
            chance.choice(TAGS) if chance.random() < habits.tags else "",
            chance.choice(KINDS) if chance.random() < habits.classes else "",
        )
        for _ in range(chance.randrange(habits.most_rules))
    ]


def tag(world: YearsWorld, one: Known) -> None:
    """Give it to another line; what was destroyed has no tags any more."""
    if not world.is_there(one) or one.answers is not None or world.is_begun(one):
        return
    one.tag = world.random.choice(TAGS)
    change_tags(one.recording_id, {"tags": {"line": one.tag}}, "*", world.here.ports)
    world.here.follows_up()
    facts = world.here.fakes.catalog.recordings[one.recording_id].facts
    is_anew = facts is not None and any(person.kind is not None for person in facts.participants)
    one.has_old_facts = one.has_old_facts and not is_anew  # the same tag once more changes nothing
    world.rules_have_changed()
    world.counts("tags changed")


def erase(world: YearsWorld, one: Known) -> None:
    """Have all of it erased."""
    if _approves(world, {"recordings": [one.recording_id], "reason": "letter"}):
        one.asked.append(world.now)
        world.counts("erasures")


def erase_voice(world: YearsWorld, one: Known) -> None:
    """Have the first speaker's voice erased, or where that cannot be taken out, perhaps the whole recording."""
    if not world.is_there(one) or one.voices:
        return
    scope = world.random.choice(("speaker", "speaker_else_recording"))
    if not _approves(world, {"participant": one.person, "scope": scope, "reason": "letter"}):
        return
    if not one.is_mixed:
        one.voices.append(world.now)
    elif scope == "speaker_else_recording":
        one.asked.append(world.now)
    world.counts("erasures of a voice")


def _approves(world: YearsWorld, body: dict[str, Any]) -> bool:
    here = world.here
    asked = request_erasure(body, "alice", here.ports, here.settings)
    if world.random.random() < 0.2:
        return False
    approve_erasure(asked.erasure_id, "bob", here.ports, here.settings)
    return True
