"""How well a video language model places moments, step by step, and what its answers are worth."""
