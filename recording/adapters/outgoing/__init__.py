"""The ways to those who want to know: Event Grid, and webhooks."""
