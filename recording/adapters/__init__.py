"""One file per service: they translate types and errors, and decide nothing. `wiring` imports them on first use."""
