"""Incoming: read and check events, requests, roles, locations and metadata."""
