"""Derived files: requested, made as queue work from archived media, listed, served and verified."""
