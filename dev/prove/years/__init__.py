"""Seven simulated years of keeping: a world, those who act in it, a witness who looks, and wrong variants."""
