"""`whimbrel serve --processes N`: real processes, killed and stopped, on both databases."""
