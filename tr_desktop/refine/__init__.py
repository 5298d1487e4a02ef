"""Finding the answer in one file: rough segments over the indexed frames, then refinement of their edges."""
