"""The planted secrets and people, as `dev.in_memory.canaries` names them."""

from dev.in_memory.canaries import CANARIES, PARTICIPANT, PHONE, SIGNATURE, Watch, seen_in, watched

__all__ = ["CANARIES", "PARTICIPANT", "PHONE", "SIGNATURE", "Watch", "seen_in", "watched"]
