"""Commands for operators: they work on a deployed app's storage, or on the local world's, through the same settings."""
