"""Small verifiers to judge by, alone or composed: each says what it judges and what it does not catch.

Their references ignore keys that are not theirs, so that several can share the reference of a problem.
"""
