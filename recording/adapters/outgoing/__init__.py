"""Senders of outgoing events: Event Grid and webhooks."""
