"""What answers a query within one file: a protocol, and the ways that implement it."""
