"""Verifiers over HTTP, for stacks in other languages: `selfplay serve-verifiers`. docs/serve-verifiers.md has the tour.

    messages.py         what is sent and answered, which is also the OpenAPI schema
    supervisor_pool.py  the verifiers that are served, and how many rows may wait for them
    request_limits.py   what every request must pass first: host, token, size
    endpoints.py        the paths
    service.py          the process: socket, signals, shutdown

What is covered: which verifiers are served, and with which settings, is fixed at the start, because settings can name
files, addresses and sandboxes; rows, characters, bytes and waiting rows are bounded; a fault of a judge is a verdict
and not a failed request. What is not covered: clients are not kept apart, so one can fill the queue for all.
"""
