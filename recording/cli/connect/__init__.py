"""The app that a command talks to, and the identity it uses."""
