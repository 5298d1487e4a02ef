"""What the window works on: background jobs and the session. No widgets."""
