"""Notify: what happened is written into the outbox and sent, at least once, off the line's way."""
