"""Rebuilding a pack from data."""
