"""Adapters for ACS."""
