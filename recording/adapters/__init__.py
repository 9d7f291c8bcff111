"""Adapters, one file per service: they translate and decide nothing. `wiring` imports them on first use."""
