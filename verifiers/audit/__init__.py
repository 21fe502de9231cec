"""The audit: how far a verifier can be trusted, measured on rows whose truth is known.

from selfplay.verifiers.audit.audit import Plan, audit

record = audit(Plan(VerifierSpec(verifier="math"), sources=[NamedSource("polynomials")])).record
"""
