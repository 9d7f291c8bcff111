"""A small HTTP/1.1 client that reads bodies straight into buffers; for the requests that carry media."""
