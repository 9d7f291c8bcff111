"""What ACS remembers: calls, recordings, stored objects, and the journal of requests."""
