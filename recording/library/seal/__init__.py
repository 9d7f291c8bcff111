"""Seal what was written: gather it, sign a checkpoint over it, store proofs beside the files, and verify them."""
