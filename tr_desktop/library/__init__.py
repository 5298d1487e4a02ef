"""What was indexed: the catalogue of files and the vectors of their frames."""
