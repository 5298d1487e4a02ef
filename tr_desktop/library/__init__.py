"""The index: the catalog of files and the vectors of their frames."""
