"""The ports in memory, and a whole world over them: shared by tests and proofs."""
