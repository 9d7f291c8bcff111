"""Derived files: asked for, made as queue work from what is archived, listed, heard and verified."""
