"""Deadlines and what needs attention."""
