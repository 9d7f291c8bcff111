"""The policies over the templates, and the faults that each of them must find."""
