"""The nouns and rules: pure, no clock, no I/O."""
