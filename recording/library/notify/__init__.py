"""Notify: write events into the outbox and send them, at least once, without delaying archiving."""
