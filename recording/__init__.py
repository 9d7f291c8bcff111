"""ACS Recording Archive: moves call recordings from short-lived storage safely into long-term storage."""

__version__ = "0.1.0"
