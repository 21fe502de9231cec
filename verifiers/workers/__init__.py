"""Supervised worker processes: started, fed, watched and killed.

Messages to and from a worker are JSON objects, framed by sandbox/channel.py. JSON with ASCII escapes carries any text
that a model can write, NUL and lone surrogates included; nothing from a worker is ever unpickled or evaluated.
"""

EXIT_MEMORY = 77
"""Exit status of a worker that ran out of memory: it sends no message, since that too may fail."""
MAX_MESSAGE = 256 * 1024 * 1024
"""Bytes; a longer message from a worker is not read."""
