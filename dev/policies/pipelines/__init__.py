"""The policy over the workflows, and the faults that it must find."""
