"""The model that moves edges: composed videos, the network, its training, export and evaluation."""
