"""Reading media files: what they are (`probe`) and their frames (`frames`)."""
