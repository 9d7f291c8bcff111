"""Adapters for Table Storage."""
