"""Media that several tests of the archive refuse."""

from dev.in_memory.builders import wav

BROKEN = wav()[:36] + b"junk" + wav()[40:]  # a WAV file whose data chunk has no name
