"""How a sandbox is asked over HTTP: the names and bounds that http_sandbox.py and sandbox_service.py share.

Every request carries `Authorization: Bearer TOKEN`; bodies are JSON objects, bytes are base64.

    GET /                   -> {"protocol": 3, "level": "namespaces", "about": "..."}
    POST /executions        {"role": "candidate" | "tester", "limits": {the fields of Limits}, "stdin": bytes | null}
                            -> {"id": "..."}                          answered when the process is confined
    POST /executions/ID     {"send": [messages], "want": "message" | "output" | "cpu", "wait": seconds}
                            -> {"messages": [...], "output": bytes written since, "cpu_seconds": s (for "cpu"),
                                "stopped": a reason of `Stopped` | null}
    DELETE /executions/ID   -> {"ending": {"code", "cpu_seconds", "peak_kb"} | null}

`want: message` answers as soon as there is one, with all that have come; `output` when the process wrote its last.
An error is {"error": "a sentence"} with status 400 (a request that is none), 401 (token), 404 (no such execution,
or it was ended for being left alone), 413 (too long), 503 (the sandbox failed, or is full: try again).
"""

from __future__ import annotations

PROTOCOL = 3
TOKEN_VARIABLE = "SELFPLAY_SANDBOX_TOKEN"
SHORTEST_TOKEN = 16
MAX_BODY = 16 << 20
"""Bytes of one request."""
LONGEST_WAIT = 20.0
"""Seconds that one request may wait for a message; the client asks again."""
BATCH_BYTES = 1 << 18
"""Messages are answered together up to about this size."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
