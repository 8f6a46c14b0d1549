"""The site as the benchmarks serve it: as in production, without throttles, and with a view that is the floor."""
