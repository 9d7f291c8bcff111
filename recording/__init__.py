"""ACS Recording Archive: gets call recordings out of short-lived storage and safely into long-term storage."""

__version__ = "0.1.0"
