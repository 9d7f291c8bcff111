"""The recording operations of the control plane, and the callbacks they promise."""
