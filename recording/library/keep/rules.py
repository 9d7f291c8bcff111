"""Read and replace the retention rules: always as a whole, under a number; earlier ones are kept."""

from typing import Any

from recording.domain.ids import without_numbers
from recording.domain.keep.rules import RuleSet, RulesRequest
from recording.errors import RequestError
from recording.errors.codes import Code
from recording.library.keep.assess import keeping_of, rules_in_force
from recording.ports import Ports
from recording.settings import Settings

LONGEST_ETAG = 255  # characters


def current_rules(ports: Ports, settings: Settings) -> RuleSet:
    """Return the rules in force.

    Raises:
        StorageError: storage does not answer.
    """
    return rules_in_force(ports, settings)


def set_rules(body: Any, if_match: str | None, by: str | None, ports: Ports) -> RuleSet:
    """Put new rules in force for every recording, from the next decision on.

    Args:
        body: a `RulesRequest`.
        if_match: the ETag of the rules that the caller has read, or `*` for any.
        by: the object id of the caller; None for a key holder.
        ports: the store of rules.

    Raises:
        RequestError: `etag_missing`, `rules_changed`, or the body is not valid.
        StorageError: storage does not answer.
    """
    request = RulesRequest.read(body)
    if not if_match:
        raise RequestError("send If-Match with the ETag of the rules", code=Code.ETAG_MISSING)
    if len(if_match) > LONGEST_ETAG:
        raise RequestError(f"If-Match has more than {LONGEST_ETAG} characters")
    keeping = keeping_of(ports)
    known = keeping.rules()
    fresh = RuleSet(
        number=known.number + 1, at=ports.clock.now(), by=by, note=without_numbers(request.note), rules=request.rules
    )
    asked = [part.strip().removeprefix("W/") for part in if_match.split(",")]
    if ("*" not in asked and etag_of_rules(known) not in asked) or not keeping.add_rules(fresh):
        message = "the rules have changed since they were read; read them again, and send If-Match with the new ETag"
        raise RequestError(message, code=Code.RULES_CHANGED)
    return fresh


def etag_of_rules(rules: RuleSet) -> str:
    """Return the ETag of rules: their number in quotation marks."""
    return f'"{rules.number}"'
