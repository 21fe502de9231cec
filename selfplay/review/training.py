"""What people found right, as worked examples of origin human.

A line is `{"prompt", "reference", "solution", "answer"?, "source", "sample_id", "labelled_by", "written_by"}`. A person
chose each, and a model wrote it: `written_by` says which, so that nobody takes the text for a person's own.

    tasks:
      - source: dataset:reviewed
        path: reviewed.jsonl
        columns: {prompt: prompt, solution: solution, answer: answer}
        verifier: math
        solution_origin: human
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger
from selfplay.review import store
from selfplay.review.show import together
from selfplay.tasks.whole_file import write_whole


def write_training_set(run: Path, output: Path) -> str:
    """Write the samples that people found right; returns how many in a sentence.

    Raises:
        RunError: no such run, none is right, or the file cannot be written.
    """
    said = defaultdict(list)
    for label in store.labels_of(run):
        said[label.sample_id].append(label)
    right = {sample: words for sample, words in said.items() if together(words) == "right"}
    sql = """SELECT s.id, p.prompt, p.reference, s.completion, p.source, s.model FROM samples s
             JOIN problems p ON p.id = s.problem_id WHERE s.id IN (SELECT unnest(?)) ORDER BY s.id"""
    rows = Ledger.of_run(run).rows(sql, [sorted(right)])
    if not rows:
        raise RunError(f"{run} has no sample that people found right; import labels first.")
    lines = []
    for sample, prompt, reference, completion, source, model in rows:
        known = json.loads(reference)
        line = {"prompt": prompt, "reference": known, "solution": completion, "source": source, "sample_id": sample}
        line |= {key: known[key] for key in ("answer", "entry_point", "tests", "setup", "prefix") if key in known}
        line |= {"origin": "human", "labelled_by": sorted({one.who for one in right[sample]}), "written_by": model}
        lines.append(json.dumps(line) + "\n")
    try:
        write_whole(output, "".join(lines))
    except OSError as error:
        raise RunError(f"Cannot write {output}: {error.strerror}; give another --output.") from None
    return f"{len(lines):,} examples in {output}"
