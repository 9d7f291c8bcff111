"""Mutants that no test kills, each with the reason why it is no fault. The command compares this list both ways."""

SURVIVORS: dict[str, str] = {}
