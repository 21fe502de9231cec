"""The same verifiers in other stacks, by one call each: TRL (trl.py), verl (verl.py), lm-evaluation-harness
(lm_eval.py) and PrimeIntellect's `verifiers` (prime.py, over HTTP, because the import names clash).

None of them imports the stack that it serves. docs/used-elsewhere.md shows each with its output.
"""
