"""Train language models on their own verified output, and measure what verification buys.

selfplay.tasks       what is asked     problems, and the sources they come from
selfplay.verifiers   who judges        verdicts, verifiers, worker processes, the sandbox
selfplay             the loop          sample, verify, select, distill, evaluate

The first two lie beside this folder in the repository and are reached through links in it. Nothing is imported here:
every worker process runs this file.
"""
