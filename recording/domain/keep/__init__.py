"""How long a recording is kept, what holds it, and what may destroy it: rules only, and no I/O."""
