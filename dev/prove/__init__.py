"""The proofs as programs: `python -m dev prove`."""
