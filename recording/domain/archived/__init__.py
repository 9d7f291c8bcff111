"""Archived: the names and documents in the archive, and the rules that compare them."""
