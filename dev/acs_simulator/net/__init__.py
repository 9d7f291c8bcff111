"""TLS, the proxy, routes, authorisation and the shapes of answers."""
