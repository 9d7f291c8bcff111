"""What reaches us: events, requests, roles, locations and metadata, read and checked."""
