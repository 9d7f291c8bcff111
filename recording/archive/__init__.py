"""Archive: the line of one chunk. claim ▸ copy ▸ verify ▸ catalog ▸ delete source."""
