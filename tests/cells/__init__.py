"""Several cells: two databases, and what lives in one, is served from both, and moves between them."""
