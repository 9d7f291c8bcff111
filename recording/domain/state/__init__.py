"""Records of recordings and chunks, and the rules by which they change."""
