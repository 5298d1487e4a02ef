"""Search for the footage closest to a query: by vector, by words, by example."""
