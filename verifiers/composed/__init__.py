"""Verifiers made of verifiers, by three-valued logic (Kleene 1952): true is accepted, false is rejected, unknown is
undecided.

    all_of     rejected where one part rejects; else undecided where one is undecided; else accepted
    any_of     accepted where one part accepts; else undecided where one is undecided; else rejected
    not        accepted and rejected change places; undecided stays
    cascade    the first part that is not undecided decides; later ones see only what earlier ones left undecided
    noisy      one verifier whose verdicts are flipped at given rates

A part that raises or cannot read the reference is undecided. They are verifiers like any other, so each can be a part
of another.
"""
