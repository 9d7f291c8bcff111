"""Tables, times and words for a terminal."""
