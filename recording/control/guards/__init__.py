"""Guards of calls: enqueued with what they guard, and fired when their message becomes visible."""
