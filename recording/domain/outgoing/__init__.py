"""What the app reports to other systems: events, how they look on the way, and where they may go. Pure."""
