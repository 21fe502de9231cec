"""The `math` verifier, and its comparison as a small library: `equivalent(reference, answer) -> Verdict`."""

from __future__ import annotations

from selfplay.verifiers.math.verifier import MathReference, MathSettings, MathVerifier, Policy, equivalent

__all__ = ["MathReference", "MathSettings", "MathVerifier", "Policy", "equivalent"]
