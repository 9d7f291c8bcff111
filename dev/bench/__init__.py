"""The benchmark: this app's copy side by side with what a user would pick instead, on one machine, in one run."""
