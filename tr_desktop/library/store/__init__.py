"""The library on disk: the catalog (SQLite) and the vectors of frames."""
