"""Rules for calls: policies, consent, pauses that end, and time limits. Pure."""
