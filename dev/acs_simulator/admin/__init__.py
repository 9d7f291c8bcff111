"""The admin API: make calls, move the clock, script faults, look around."""
