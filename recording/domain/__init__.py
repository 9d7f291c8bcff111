"""Domain: nouns and rules. Pure: no clock, no I/O."""
