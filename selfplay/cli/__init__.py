"""The command line: every verb, and what it prints."""
