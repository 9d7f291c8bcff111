"""The console over a made-up day, for its tests, its screenshots and its figures."""
