"""Grounders answer a query within one file: the protocol and its implementations."""
