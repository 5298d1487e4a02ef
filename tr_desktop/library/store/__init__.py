"""What is kept on disk: the catalogue (SQLite) and the vectors of frames."""
