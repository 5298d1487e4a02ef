"""The panels around the picture: search, results, selects, export, library."""
