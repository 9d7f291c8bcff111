"""HTTP: routes, problems and permissions."""
