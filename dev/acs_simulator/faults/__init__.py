"""What can go wrong: the table of faults, the script that hands them out, and what they do to events and metadata."""
