"""Control: what callers ask of ACS, and the trail of it."""
