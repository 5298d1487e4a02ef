"""Hand-off formats: one file per format, each a pure function from a timeline to text or bytes."""
