"""The years after: recordings are found, described, rebuilt and brought in. Nothing here is in the way of the line."""
