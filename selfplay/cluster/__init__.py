"""Ray: connecting, the same code on every node, files that travel."""
