"""From the end of a recording to its files: chunks, media, metadata, export and the event."""
