"""Verifiers made of verifiers, by three-valued logic (Kleene 1952): true is accepted, false is rejected, unknown is
undecided. They are verifiers like any other, so each can be a part of another.
"""
