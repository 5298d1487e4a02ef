"""Training video language models to write where the moment is.

tiny  random checkpoints that load and train in seconds: to try the whole way, and for tests
"""
