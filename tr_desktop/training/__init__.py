"""Rebuilding a pack from data. The only home of torch."""
