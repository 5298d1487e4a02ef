"""What everything on screen shares: colours, icons, small widgets, how times are written."""
