"""The refinement scrubber: a file's timeline with every step."""
