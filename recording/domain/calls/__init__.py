"""A call under guard: its policy, consent as a state, pauses that end, and limits. Pure."""
