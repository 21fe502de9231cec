"""The code verifier: programs judged by unit tests, in a sandbox."""

from selfplay.verifiers.code.verifier import CodeVerifier

__all__ = ["CodeVerifier"]
