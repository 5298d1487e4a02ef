"""Exact frames as images, made in threads."""
