"""The corpus of kept_verdicts.py, from what this tree and SELFPLAY_DATA hold; no verifier that needs the network.

- the labelled rows of this folder, and the worked solutions with their wrong ones, as the commands of docs/audits ask
- the labelled pairs of the math verifier, and math_cases.jsonl
- the hostile programs, the forged answers of tests/verifiers/code, and the hostile texts for each small verifier
- HumanEval and MBPP: each problem's own solution and a wrong one
- the test split of GSM8K: each solution with its steps, without, with a false one, and with the answer raised by one
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any, get_args

from calculation_gsm8k import with_a_false_step

from selfplay.cli.audit_thresholds import named_source
from selfplay.experiment.experiment_file import settings_of
from selfplay.tasks import Problem, load_source
from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Split
from selfplay.verifiers.audit.attack_files import FORMS, HONEST, HONEST_SCRIPT, SETTINGS, attacks, hostile_texts
from selfplay.verifiers.audit.corpus import source_rows
from selfplay.verifiers.audit.wrong_programs import wrong_programs

Row = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
AUDIT = re.compile(r"^    selfplay verifiers audit ([^\n]+)$", re.MULTILINE)
PROBLEMS_OF_AN_AUDIT = 40
CHOICES = {"answer": "B", "choices": ["rain", "snow", "hail", "fog"]}
SCHEMA = {"schema": {"type": "object", "required": ["name"], "additionalProperties": False}}
NUMBERS = {"numbers": [2, 3, 7], "target": 13}
SMALL: list[tuple[str, Row, Row]] = [
    *(("choice", {"where": where}, CHOICES) for where in ("marked", "last_line", "whole")),
    *(("exact", {"where": where}, {"answer": ["42", "B"]}) for where in ("marked", "last_line", "whole")),
    *(("regex", {"where": where}, {"pattern": r"(\d+\s?)+[.]?"}) for where in ("anywhere", "whole", "line")),
    *(("length", {"unit": unit}, {"least": 5, "most": 200}) for unit in ("words", "characters")),
    *(("json_schema", {"where": where}, SCHEMA) for where in ("whole", "fenced")),
    *(("final_answer", {"answer": answer}, {}) for answer in ("marked", "whole")),
    *(("makes_number", {"answer": answer}, NUMBERS) for answer in ("marked", "whole")),
    *(("math", {"answer": answer}, {"answer": "42"}) for answer in ("marked", "whole")),
    ("calculation", {}, {}),
]
"""The verifiers of short answers, for the hostile texts."""


def row(name: str, verifier: str, settings: Mapping[str, Any], reference: Any, text: str, prompt: Any = None) -> Row:
    return {
        "id": name,
        "verifier": verifier,
        "settings": dict(settings),
        "reference": reference,
        "completion": text,
        "prompt": prompt,
    }


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]


def audits() -> Iterator[tuple[str, Row, list[str], Path | None]]:
    """Verifier, settings, sources and labelled file of each command in docs/audits; not those of a judging model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("verifier")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--source", action="append", default=[])
    parser.add_argument("--labelled", type=Path)
    for page in sorted((ROOT / "docs" / "audits").glob("*.md")):
        for command in AUDIT.findall(page.read_text(encoding="utf-8")):
            given = parser.parse_known_args(shlex.split(command))[0]
            if given.verifier != "judge":
                yield given.verifier, settings_of(given.set), given.source, given.labelled


def labelled() -> Iterator[Row]:
    for verifier, settings, _, file in audits():
        for one in lines(ROOT / file) if file else []:
            yield row(one["id"], verifier, settings, one["reference"], one["completion"], one.get("prompt"))


def audited_sources() -> Iterator[Row]:
    """Worked solutions, and what an audit makes of them."""
    for number, (verifier, settings, sources, _) in enumerate(audits()):
        for source in sources:
            try:
                made = source_rows(named_source(os.path.expandvars(source)), PROBLEMS_OF_AN_AUDIT, seed=0).rows
            except SourceError as error:
                print(f"left out: {verifier} on {source}: {error}")
                continue
            for one in made:
                name = f"{number} {verifier} {one.group} {one.id}"
                yield row(name, verifier, settings, one.reference, one.completion, one.prompt)


def math_pairs() -> Iterator[Row]:
    for one in lines(ROOT / "tests/verifiers/math/pairs.jsonl"):
        yield row(one["id"], "math", {"answer": one["mode"]}, one["reference"], one["completion"])


def math_cases() -> Iterator[Row]:
    for one in lines(data() / "math_cases.jsonl"):
        yield row(str(one["id"]), "math", {"answer": "whole"}, {"answer": one["reference"]}, one["answer"])


def attack_programs() -> Iterator[Row]:
    for attack in attacks():
        yield row(str(attack), "code", SETTINGS, attack.reference, attack.program)
    for form, reference in FORMS.items():
        yield row(f"honest, {form}", "code", SETTINGS, reference, HONEST_SCRIPT if form == "script" else HONEST)


def forgeries() -> Iterator[Row]:
    """The programs of the tests that speak the sandbox's own language."""
    spec = spec_from_file_location("forgery", ROOT / "tests/verifiers/code/test_forgery.py")
    assert spec is not None
    assert spec.loader is not None
    tests = module_from_spec(spec)
    spec.loader.exec_module(tests)
    made = [(name, program, tried) for name, (program, tried, _) in tests.FORGED.items()]
    made += [(f"honest, {name}", honest, tried) for name, (_, tried, honest) in tests.FORGED.items()]
    made += [(name, program, tried) for name, (tried, program) in tests.BLAME.items()]
    for name, value in tests.SLOW.items():
        ahead = f"{tests.SPEAKS}\nsay({{'value': {value}}})\ndef f(x): return 3"
        names = f"{tests.SPEAKS}{tests.SERVES}    say({{'value': ['dict', ['f', {value}]]}})"
        made += [(f"{name}, apart", ahead, "assert f(1) == 3"), (f"{name}, whole", names, tests.LOOP)]
    for name, program, tried in made:
        yield row(name, "code", {"timeout": 1.0, "sandbox": "process"}, {"tests": tried}, program)


def small_verifiers() -> Iterator[Row]:
    for verifier, settings, reference in SMALL:
        for text in hostile_texts():
            name = " ".join([verifier, *settings.values(), f"{text.group}: {text.name}"])
            yield row(name, verifier, settings, reference, text.text)


def programs(name: str) -> Iterator[Row]:
    """Each problem's own solution, and a mutant of it, or where it has none, another problem's under its name."""
    source = load_source(name, {"folder": str(data())})
    found: list[Problem] = [source.read(one, split) for split in get_args(Split) for one in source.rows(split)]
    for number, (problem, other) in enumerate(zip(found, found[1:] + found[:1], strict=True)):
        pair = (other.reference, str(other.solution))
        made = list(wrong_programs(problem.reference, str(problem.solution), pair, Random(0)))
        wrong = next((one for one in made if one.category.startswith("changed")), made[0])
        task = problem.metadata["task_id"]
        for what, text in (("own", str(problem.solution)), (wrong.category, wrong.completion)):
            yield row(
                f"{number} {task} {what}", "code", source.verifier_settings, problem.reference, text, problem.prompt
            )


def gsm8k() -> Iterator[Row]:
    source = load_source("gsm8k", {"folder": str(data()), "annotations": True})
    for number, one in enumerate(source.rows("evaluate")):
        problem = source.read(one, "evaluate")
        own = str(problem.solution)
        steps, _, answer = own.rpartition("####")
        raised = f"{steps}#### {int(answer.replace(',', '')) + 1}"
        plain = re.sub(r"<<[^<>]*>>", "", own)
        for what, text in (("own", own), ("answer raised", raised)):
            yield row(f"{number} math {what}", "math", {"answer": "marked"}, problem.reference, text, problem.prompt)
        false_step = with_a_false_step(own, Random(number))
        for what, step in (("own", own), ("plain", plain), ("answer raised", raised), ("false step", false_step)):
            if step is not None:
                yield row(f"{number} calculation {what}", "calculation", {}, {}, step, problem.prompt)


GROUPS: dict[str, tuple[Callable[[], Iterator[Row]], str]] = {
    "labelled": (labelled, ""),
    "math_pairs": (math_pairs, ""),
    "attack_programs": (attack_programs, ""),
    "forgeries": (forgeries, ""),
    "hostile_texts": (small_verifiers, ""),
    "audits": (audited_sources, "gsm8k_test.jsonl"),
    "math_cases": (math_cases, "math_cases.jsonl"),
    "humaneval": (lambda: programs("humaneval"), "humaneval.jsonl"),
    "mbpp": (lambda: programs("mbpp"), "mbpp.jsonl"),
    "gsm8k": (gsm8k, "gsm8k_test.jsonl"),
}
"""What makes the rows of a group, and the file in SELFPLAY_DATA that it needs."""


def data() -> Path:
    return Path(os.environ.get("SELFPLAY_DATA", ""))


def corpus() -> list[Row]:
    """All rows; prints how many each group has, and which are left out."""
    found: list[Row] = []
    for group, (made, file) in GROUPS.items():
        if file and not (os.environ.get("SELFPLAY_DATA") and (data() / file).is_file()):
            print(f"left out: {group}, since SELFPLAY_DATA names no folder with {file}")
            continue
        before = len(found)
        found += [{**one, "id": f"{group}: {one['id']}", "group": group} for one in made()]
        print(f"{group:16} {len(found) - before:6,} rows")
    twice = [name for name, count in Counter(one["id"] for one in found).items() if count > 1]
    assert not twice, f"ids that stand twice: {twice[:5]}"
    print(f"{'all':16} {len(found):6,} rows")
    return found
