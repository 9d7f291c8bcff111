"""What the host serves over HTTP: functions, keys, the admin routes and the Event Grid webhook."""
