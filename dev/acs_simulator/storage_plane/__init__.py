"""Reads and deletes of stored chunks, byte for byte as they go over the wire."""
