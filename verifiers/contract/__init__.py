"""The plugin contract of a verifier: what it is, what it answers, how it is found and built."""
