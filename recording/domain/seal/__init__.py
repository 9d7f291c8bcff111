"""The seal: a Merkle log over everything that was written, its signed checkpoints, and the proofs beside the files."""
