"""The ports of the local API: the first that is free. Plugins in a sandbox have to name them in their manifest."""

PORTS = (47615, 47616, 47617)
