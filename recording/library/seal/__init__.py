"""Seal what was written: gather it, sign a checkpoint over it, lay the proofs beside the files, and verify them."""
