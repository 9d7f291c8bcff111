"""Stories for people: a night on call, played with the real use cases, commands and routes, and written to a page."""
