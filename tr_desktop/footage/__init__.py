"""Reading media files: their properties (`probe`) and their frames (`frames`)."""
