"""Faults that are planted into workflows by rule: every line left out once, every choice turned round once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dev.policies.pipelines.workflow_texts import TEXTS


@dataclass(frozen=True)
class Mutant:
    """A workflow with one fault in it."""

    name: str
    number: int
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}:{self.number} {self.what}"


# What a reader sees and no runner acts on; and how long GitHub keeps what has been handed on already.
SAYS_ONLY = re.compile(
    r"^\s*(?:- )?(?:name|description): (?!package$)|^\s*#|^\s*$|^\s+retention-days: |^\s+echo \"(?!sha256)"
)
TURNS = (
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"(?<=: )read\b", "write"),
    (r"(?<=: )write\b", "read"),
    (r"==", "!="),
    (r"!=", "=="),
    (r"&&", "||"),
    (r"\|\|", "&&"),
    (r"\bmain\b(?!\.)", "dev"),
    (r"(?<=@)[0-9a-f]{40}", "main"),
    (r"ubuntu-24\.04", "ubuntu-latest"),
    (r"--(?:verify-tag|check|require-hashes|strict|preview|no-prompt|deny-self-hosted-runners)\b", ""),
    (r"-ge\b", "-le"),
    (r"\bexit 1\b", "exit 0"),
    (r"\berror\b", "warn"),
    (r"dist/\*\.zip(?!\.)", "dist/*"),
    (r"build\.yml", "test.yml"),
    (r"\btail -n 2\b", "tail -n 20"),
)


def mutants() -> Iterator[Mutant]:
    """Yield every workflow with every fault of the rules above."""
    for name, text in TEXTS.items():
        lines = text.splitlines(keepends=True)
        for at, line in enumerate(lines):
            if SAYS_ONLY.match(line):
                continue
            yield Mutant(name, at + 1, f"without {line.strip()!r}", "".join([*lines[:at], *lines[at + 1 :]]))
            code = line.partition(" # ")[0] if "run" not in line else line
            for pattern, new in TURNS:
                for found in re.finditer(pattern, code):
                    turned = line[: found.start()] + new + line[found.end() :]
                    what = f"{line.strip()!r}: {found[0]!r} is {new!r}"
                    yield Mutant(name, at + 1, what, "".join([*lines[:at], turned, *lines[at + 1 :]]))


EXECUTED = "test_scripts.py executes it, with this end and with the other one"
# Mutants that no rule names, each with its reason.
HARMLESS: tuple[tuple[str, str, str], ...] = (
    ("deploy.yml", "required: false", "an input that is required may be given empty"),
    ("dependencies.yml", "MIT, MIT-0", "a shorter list refuses more"),
    ("dependencies.yml", "LGPL-2.1-only", "a shorter list refuses more"),
    ("deploy.yml", "reads=$(sed", EXECUTED),
    ("deploy.yml", "without '}'", EXECUTED),
)


def is_harmless(mutant: Mutant) -> bool:
    """Return whether there is a reason why no rule names a mutant."""
    return any(mutant.name == name and text in mutant.what for name, text, _ in HARMLESS)
