"""The picture, its sound and the bars around it."""
