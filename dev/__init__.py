"""The local world: everything needed to run and prove the app on one machine. Never deployed."""
