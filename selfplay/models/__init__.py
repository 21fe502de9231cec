"""Folders of weights: made, found, checked, fingerprinted; their prompts as tokens."""
