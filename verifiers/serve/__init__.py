"""Verifiers over HTTP, for stacks in other languages: `selfplay serve-verifiers`. docs/serve-verifiers.md has the tour.

What is covered: which verifiers are served, and with which settings, is fixed at the start, because settings can name
files, addresses and sandboxes; rows, characters, bytes and waiting rows are bounded. What is not covered: clients are
not kept apart, so one can fill the queue for all.
"""
