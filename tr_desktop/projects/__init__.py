"""An editor's decisions: their undo, their file, and their recovery after a crash."""
