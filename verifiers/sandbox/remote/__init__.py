"""A sandbox on another machine, over HTTP."""
