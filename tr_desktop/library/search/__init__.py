"""Which footage of the library comes closest to a query: by vector, by words, by example."""
