"""Adapters for Blob Storage."""
