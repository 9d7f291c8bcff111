"""Queue triggers and queue outputs."""
