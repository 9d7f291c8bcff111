"""Transfer: moves bytes from the source into the archive, in bounded memory."""
