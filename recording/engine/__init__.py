"""The copy engine: ranges of a file in parallel through one pool of buffers, hashed in the file's order."""
