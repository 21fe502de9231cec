"""What a user can get wrong about a verifier. Each error is one sentence that names the remedy.

All are picklable, because Ray carries them between processes: each takes exactly its message.
"""

from __future__ import annotations

from pydantic import ValidationError


class VerifierError(Exception):
    """Root of the tree; the message is meant for a person."""


class UnknownVerifier(VerifierError, LookupError):
    """There is no verifier of that name, or no such file."""


class BadSettings(VerifierError, ValueError):
    """A setting is unknown or has a wrong value."""


class BadReference(VerifierError, ValueError):
    """A reference is not what its verifier needs."""


class BrokenVerifier(VerifierError, RuntimeError):
    """A plugin cannot be imported, built or kept alive."""


class TooManyFaults(VerifierError, RuntimeError):
    """More completions could not be judged than are allowed."""


class BadFile(VerifierError, OSError):
    """An input or output file cannot be used."""


class BadAudit(VerifierError, ValueError):
    """An audit has no rows, or none that a threshold asks about."""


def first_complaint(error: ValidationError) -> str:
    """The first of pydantic's complaints as `key: what is wrong`, without the hostile input itself."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"`{where}`: {problem['msg']}" if where else str(problem["msg"])
