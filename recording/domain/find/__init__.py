"""The directory's entries, keys and queries."""
