"""What a user can get wrong about a verifier. Each error is one sentence that names the remedy.

    VerifierError
    ├── UnknownVerifier (LookupError)   no verifier of that name, no such file
    ├── BadSettings (ValueError)        a settings key that the verifier does not know, or a wrong value
    ├── BadReference (ValueError)       a reference that the verifier cannot read
    ├── BrokenVerifier (RuntimeError)   a plugin that cannot be imported, built or kept alive
    ├── TooManyFaults (RuntimeError)    a judge that fails so often that what it leaves would mislead
    ├── BadFile (OSError)               an input or output file that cannot be used
    └── BadAudit (ValueError)           an audit that has nothing to measure what is asked

All are picklable, because Ray carries them between processes: each takes exactly its message.
"""

from __future__ import annotations

from pydantic import ValidationError


class VerifierError(Exception):
    """Root of the tree; the message is meant for a person."""


class UnknownVerifier(VerifierError, LookupError):
    """No verifier answers to the name."""


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
