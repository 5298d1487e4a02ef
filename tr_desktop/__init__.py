"""TimeRefine Desktop: type what you remember, get the moment in your own footage, refined step by step."""
