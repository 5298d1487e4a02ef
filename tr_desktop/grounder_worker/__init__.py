"""The program that runs a video language model, in a process of its own: it may hang or die without harm."""
