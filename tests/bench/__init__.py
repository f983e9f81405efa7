"""Short forms of the benchmarks, and of what is asked of them."""
