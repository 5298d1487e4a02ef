"""From paths to searchable footage: discover, read, store."""

READ_FILES = "_read-files"
"""The one argument that makes the program its own process for reading files (`reader_process.py`)."""
