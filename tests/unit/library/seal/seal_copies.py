"""Copies of a sealed archive, and what is found in them."""

from pathlib import Path

from dev.in_memory.fakes.seal import FakeSealKey
from recording.domain.seal.signature import pem_of
from tests.unit.library.seal.seal_world import verified

KEY = pem_of(FakeSealKey().public_key())

LOG = "recording-seal"


def found(folder: Path, *, whole: bool = True) -> set[str]:
    return {problem.kind.value for problem in verified(folder, KEY, whole=whole).problems}
