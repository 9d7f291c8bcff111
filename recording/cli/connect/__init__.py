"""The app that a command speaks to, and as whom."""
