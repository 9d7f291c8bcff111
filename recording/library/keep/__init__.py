"""Keep: how long recordings stay, who holds them, and how they are destroyed and why."""
