"""Archive: the pipeline of one chunk. claim ▸ copy ▸ verify ▸ catalog ▸ delete source."""
