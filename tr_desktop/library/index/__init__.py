"""From paths to searchable footage: discover, read, store."""
