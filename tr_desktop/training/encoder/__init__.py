"""The image and text towers: the recipe, what it reads, and how good they are."""
