"""Where in one file the answer lies: rough segments over the indexed frames, then refinement of their edges."""
