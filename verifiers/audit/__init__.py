"""The audit: how far a verifier can be trusted, measured on rows whose truth is known.

from selfplay.verifiers.audit.audit import Plan, audit

record = audit(Plan("math", sources=[NamedSource("polynomials")])).record

labelled_rows.py    a row with its label, rows from a file
corpus.py           rows from task sources: worked solutions (right) and wrong ones made from them
attacks/            hostile programs and texts, which no verifier may accept
audit.py            judging them: time, memory, repeats, threads, processes, a second verifier
record.py           what was measured, stored by verifier, version and settings
"""
