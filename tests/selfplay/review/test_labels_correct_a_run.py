"""Verdicts of a run drawn, labelled blind, brought back, and what follows from the labels."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger
from selfplay.review import label_store
from selfplay.review.corrected_scores import corrections, review, show
from selfplay.review.error_rates import rates
from selfplay.review.label_export import export, page, write_training_set
from selfplay.review.label_store import import_labels
from selfplay.tasks import load_source
from selfplay.verifiers import load

HOSTILE = "</script><script>alert(1)</script><!-- \x1b[31m \u202etxet {{ 7 * 7 }}"


@pytest.fixture
def run(known_run: Any, tmp_path: Path) -> Path:
    copy: Path = shutil.copytree(known_run.path, tmp_path / "run")
    return copy


def labelled(run: Path, right: dict[str, bool], count: int = 200) -> Path:
    """Draw, and label by the truth, as the page would save it."""
    export(run, count=count, seed=0, output=run / "out", second=None)
    ids = [json.loads(line)["id"] for line in (run / "out" / "samples.jsonl").read_text().splitlines()]
    rows = [{"id": key, "label": "right" if right[key] else "wrong"} for key in ids]
    (run / "labels.json").write_text(json.dumps({"draw": "x", "labels": rows}))
    return run / "labels.json"


def test_the_labels_recover_what_is_known_of_the_run(run: Path, known_run: Any) -> None:
    file = labelled(run, known_run.right)
    assert import_labels(run, file, "Ada").startswith("200 new labels of Ada")
    found = review(run)
    assert (found.labelled, found.unsure, found.people) == (200, 0, ["Ada"])
    (judge,) = found.judges
    measured = rates(found.judges[judge].values())
    outcomes = dict(Ledger.of_run(run).rows("SELECT sample_id, outcome FROM verdicts"))
    for estimate, kind in ((measured.true_positive, True), (measured.false_positive, False)):
        of_kind = [sample for sample, right in known_run.right.items() if right is kind]
        truth = sum(outcomes[sample] == "accepted" for sample in of_kind) / len(of_kind)
        assert estimate.low <= truth <= estimate.high
        assert estimate.high - estimate.low < 0.25
    known = {(one.arm, one.measure): one for one in corrections(Ledger.of_run(run), {judge: measured})}
    for arm in ("start", "unfiltered", "verified"):
        of_arm = Ledger.of_run(run).rows(
            "SELECT id FROM samples WHERE model = ? AND purpose = 'evaluate'", [f"model {arm}"]
        )
        truth = sum(known_run.right[sample] for (sample,) in of_arm) / len(of_arm)
        fixed = known[arm, "held-out accuracy"].corrected
        assert fixed is not None
        assert fixed.low <= truth <= fixed.high
    for arm in ("unfiltered", "verified"):
        members = Ledger.of_run(run).rows("SELECT sample_id FROM members WHERE training_set_id = ?", [f"set {arm}"])
        truth = sum(not known_run.right[sample] for (sample,) in members) / len(members)
        one = known[arm, "wrong, of synthetic training rows"]
        assert one.corrected is not None
        assert one.corrected.low <= truth <= one.corrected.high
    # the verified arm trained on accepted rows alone, so its verifier says that none is wrong
    assert known["verified", "wrong, of synthetic training rows"].count == 0
    assert "accepted of wrong" in show(run)


def test_the_export_is_blind_and_hostile_text_stays_text(run: Path) -> None:
    export(run, count=30, seed=3, output=run / "out", second=None)
    for name in ("samples.csv", "samples.jsonl", "index.html"):
        text = (run / "out" / name).read_text().partition("<body>")[2 if name.endswith("html") else 0]
        assert not re.search(r"accepted|rejected|undecided|equal_value|noisy|verified|model start", text), name
    sample = {"id": "1", "task": HOSTILE, "prompt": HOSTILE, "reference": "{}", "completion": HOSTILE + "x" * 30_000}
    html = page(HOSTILE, "d", [sample])
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", html)
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.DOTALL)[1])  # type: ignore[index]
    assert data["samples"][0]["prompt"].startswith("</script><script>alert(1)</script><!-- \\x1b[31m \\u202e")
    assert data["samples"][0]["completion"].endswith("more characters not shown")


def test_the_export_says_the_sandbox_of_each_verdict_that_has_one(run: Path) -> None:
    export(run, count=30, seed=3, output=run / "out", second=None)
    with (run / "out" / "samples.csv").open(newline="") as file:
        written = {row["id"]: row["sandbox"] for row in csv.DictReader(file)}
    lines = map(json.loads, (run / "out" / "samples.jsonl").read_text().splitlines())
    assert written == {line["id"]: line["sandbox"] for line in lines}
    assert written == {identity: "namespaces, seal: shared" if identity < "8" else "" for identity in written}
    assert len(set(written.values())) == 2


def test_a_csv_comes_back_with_its_notes_and_cells_are_no_formulas(run: Path, known_run: Any) -> None:
    export(run, count=20, seed=0, output=run / "out", second=None)
    with (run / "out" / "samples.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert not [row for row in rows if row["completion"][:1] in "=+-@"]
    for row, label in zip(rows, ("right", "wrong", "unsure"), strict=False):
        row.update(label=label, note="seen, twice")
    with (run / "back.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert import_labels(run, run / "back.csv", "Ada") == "3 new labels of Ada, 0 known already."
    assert import_labels(run, run / "back.csv", "Ada") == "0 new labels of Ada, 3 known already."
    found = label_store.labels_of(run)
    assert {one.note for one in found} == {"seen, twice"}
    assert all(one.who == "Ada" and one.when.startswith("20") for one in found)
    assert show(run).count("not corrected: ") == 5  # three accuracies and two training sets


def test_people_may_differ_and_may_change_their_minds(run: Path, known_run: Any) -> None:
    import_labels(run, labelled(run, known_run.right, 40), "Ada")
    first = json.loads((run / "labels.json").read_text())["labels"][0]
    other = {"right": "wrong", "wrong": "right"}[first["label"]]
    (run / "other.jsonl").write_text(json.dumps({**first, "label": other}))
    import_labels(run, run / "other.jsonl", "Bob")
    assert (review(run).labelled, review(run).unsure, review(run).agreement) == (39, 1, (0, 1))
    import_labels(run, run / "other.jsonl", "Ada")
    assert (review(run).labelled, review(run).unsure, review(run).agreement) == (40, 0, (1, 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"id": "nobody", "label": "right"}', "'nobody' was not drawn from this run"),
        ('{"id": "ID", "label": "good"}', "the label is 'good'; it must be right, wrong, unsure or empty"),
        ('{"id": "ID", "label": "right"}\n{"id": "ID", "label": "right"}', "line 2: ID has two labels here"),
        ("[1]", "is not an object with `id` and `label`"),
        ("right", "line 1 is not JSON"),
    ],
)
def test_a_bad_label_is_named_and_nothing_is_kept(run: Path, text: str, words: str) -> None:
    export(run, count=10, seed=0, output=run / "out", second=None)
    sample = json.loads((run / "out" / "samples.jsonl").read_text().splitlines()[0])["id"]
    (run / "bad.jsonl").write_text(text.replace("ID", sample))
    with pytest.raises(RunError) as raised:
        import_labels(run, run / "bad.jsonl", "Ada")
    assert words.replace("ID", sample) in str(raised.value)
    assert label_store.labels_of(run) == []
    with pytest.raises(RunError, match="has no labels yet"):
        show(run)


def test_damaged_labels_are_found(run: Path, known_run: Any) -> None:
    import_labels(run, labelled(run, known_run.right, 40), "Ada")
    (file,) = (run / "review").glob("labels-*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RunError, match=r"labels-.*of its"):
        show(run)


def test_disagreements_with_a_second_verifier_are_drawn_first(run: Path) -> None:
    found = Ledger.of_run(run).rows("SELECT sample_id, outcome FROM verdicts ORDER BY sample_id")
    flipped = [sample for sample, outcome in found if outcome == "accepted"][:6]
    lines = [
        json.dumps({"id": sample, "outcome": "rejected" if sample in flipped else outcome, "reason": "r"})
        for sample, outcome in found
    ]
    (run / "second.jsonl").write_text("\n".join(lines))
    export(run, count=20, seed=0, output=run / "out", second=run / "second.jsonl")
    drawn = {row["sample_id"] for row in label_store.read(run, "draws")}
    assert drawn >= set(flipped)
    (run / "second.jsonl").write_text("{}")
    with pytest.raises(RunError, match="line 1 is no verdict"):
        export(run, count=20, seed=0, output=run / "out", second=run / "second.jsonl")


def test_a_training_set_holds_what_people_found_right(run: Path, known_run: Any) -> None:
    import_labels(run, labelled(run, known_run.right, 60), "Ada")
    write_training_set(run, run / "reviewed.jsonl")
    rows = [json.loads(line) for line in (run / "reviewed.jsonl").read_text().splitlines()]
    assert rows
    assert all(known_run.right[row["sample_id"]] for row in rows)
    assert {tuple(row["labelled_by"]) for row in rows} == {("Ada",)}
    assert all(row["answer"] == row["reference"]["answer"] and row["written_by"] for row in rows)


def test_the_source_dataset_reads_that_file_and_its_verifier_accepts_every_row(run: Path, known_run: Any) -> None:
    import_labels(run, labelled(run, known_run.right, 60), "Ada")
    write_training_set(run, run / "reviewed.jsonl")
    settings = {
        "path": str(run / "reviewed.jsonl"),
        "columns": {"prompt": "prompt", "solution": "solution", "answer": "answer"},
        "reference": {"policy": {"answer": "whole"}},
        "verifier": "math",
        "solution_origin": "human",
    }
    source = load_source("dataset:reviewed", settings)
    problems = [*source.problems("train", 0), *source.problems("evaluate", 0)]
    rows = [json.loads(line) for line in (run / "reviewed.jsonl").read_text().splitlines()]
    assert {problem.prompt for problem in problems} == {row["prompt"] for row in rows}
    judge = load("math")
    for problem in problems:
        reference = judge.read_reference(problem.reference)
        assert judge.verify(reference, problem.solution or "").outcome == "accepted"
