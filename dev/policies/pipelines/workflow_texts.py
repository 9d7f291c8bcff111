"""The workflows as texts, and what is wrong with one: rights that it must not have, duties that it does not meet."""

import yaml

from dev.policies.pipelines import workflow_duties, workflow_policy
from dev.policies.repository import ROOT

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yml"))}


def faults(name: str, text: str) -> set[str]:
    """Return the names of all that is wrong with a workflow file; one that is no workflow has one fault."""
    try:
        return workflow_policy.faults(name, text) | workflow_duties.unmet(name, text)
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        return {f"is no workflow: {error}"}


def changed(name: str, old: str, new: str) -> str:
    """Return the text of a workflow with one change.

    Raises:
        ValueError: if the text to change is not there, so that a fault that was not planted is not counted.
    """
    if old not in TEXTS[name]:
        raise ValueError(f"{name} has no {old!r}")
    return TEXTS[name].replace(old, new, 1)
