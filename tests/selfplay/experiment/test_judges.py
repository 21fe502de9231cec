"""Which verifier judges a task: its own or one in its place, and what is checked before a run."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from selfplay.cluster import carried_files
from selfplay.doctor import plugins_and_services
from selfplay.errors import ConfigError
from selfplay.experiment.judges import check_references, judge_of, load_all, needs
from selfplay.experiment.schema import Experiment
from selfplay.run.judging import Judge
from selfplay.tasks import Problem
from selfplay.verifiers import Row
from selfplay.verifiers.contract.spec import VerifierSpec

EVEN = """
from selfplay.verifiers import Needs, Verdict, verifier

@verifier(name="even", version="1", needs=Needs(gpu=0.5, network=True))
def even(reference, completion):
    return Verdict.accept() if len(completion) % 2 == 0 else Verdict.reject("odd_length")
"""


@pytest.fixture
def even(tmp_path: Path) -> str:
    (tmp_path / "even.py").write_text(EVEN)
    return f"{tmp_path / 'even.py'}:even"


def changed(tiny: dict[str, Any], **keys: Any) -> Experiment:
    return Experiment.model_validate({**tiny, **keys})


def test_a_task_is_judged_by_its_own_verifier_with_the_settings_of_its_name(experiment: Experiment) -> None:
    assert judge_of(experiment, "math", "train") == VerifierSpec(verifier="math", settings={"answer": "whole"})
    assert judge_of(experiment, "length", "evaluate") == VerifierSpec(verifier="length")


def test_another_verifier_takes_its_place_and_training_may_have_its_own(tiny: dict[str, Any], even: str) -> None:
    verify = {"math": {"verifier": even}, "code": {"timeout": 2}}
    experiment = changed(tiny, verify=verify, verify_training={"math": {"answer": "whole"}})
    assert judge_of(experiment, "math", "evaluate") == VerifierSpec(verifier=even)
    assert judge_of(experiment, "math", "validate") == VerifierSpec(verifier=even)
    assert judge_of(experiment, "math", "train") == VerifierSpec(verifier="math", settings={"answer": "whole"})
    assert {key: loaded.name for key, loaded in load_all(experiment).items()} == {
        ("math", "evaluate"): "even",
        ("math", "train"): "math",
        ("code", "evaluate"): "code",
        ("code", "train"): "code",
    }
    assert (needs(experiment).gpu, needs(experiment).network) == (0.5, True)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"verify": {"math": {"verifier": "maht"}}},
            r"^verify\.math: .* no verifier `maht`; did you mean `math`",
        ),
        ({"verify": {"math": {"verifier": "math", "answer": "whole"}}}, r"verify\.math, `answer`.*beside `verifier`"),
        ({"verify": {"maht": {"verifier": "math"}}}, r"^verify\.maht: there is no verifier `maht`"),
        ({"verify_training": {"code": {"timeoud": 3}}}, r"^verify_training\.code: .*`timeoud`"),
    ],
)
def test_what_cannot_be_read_names_its_key(tiny: dict[str, Any], keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_all(changed(tiny, **keys))


def test_a_reference_that_does_not_fit_names_problem_and_field(experiment: Experiment) -> None:
    problem = Problem(
        prompt="1+1=", reference={"anwser": "2"}, verifier="math", source="mine", split="train", twin_key="1+1"
    )
    with pytest.raises(ConfigError, match=rf"problem {problem.id} of source `mine`: .*`answer`: Field required"):
        check_references(load_all(experiment), [problem], "train")


def test_a_file_is_carried_to_a_node_that_lacks_it(even: str, tmp_path: Path) -> None:
    settings = {"of": {"verifier": even}, "pattern": "x.py:y"}
    carried = carried_files.collect("math", settings)
    assert list(carried) == [str(tmp_path / "even.py")]
    assert carried_files.unpack(carried) == {str(tmp_path / "even.py"): str(tmp_path / "even.py")}
    (tmp_path / "even.py").write_text(EVEN.replace("== 0", "== 1"))
    moved = carried_files.unpack(carried)
    elsewhere = carried_files.relocate(settings, moved)
    assert elsewhere["pattern"] == "x.py:y"
    path = Path(elsewhere["of"]["verifier"].removesuffix(":even"))
    assert path != tmp_path / "even.py"
    assert path.read_text() == EVEN
    judge = Judge(1, 1024, carried)
    (verdict,) = judge.judge(VerifierSpec(verifier=even), [Row("a", {}, "ab")])
    judge.close()
    assert verdict["outcome"] == "accepted"


def test_the_doctor_shows_what_a_verifier_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "needy_of_tests.py").write_text(
        textwrap.dedent("""
            from selfplay.verifiers import Needs, Verdict, verifier

            @verifier(name="needy", version="1", needs=Needs(gpu=64, network=True, packages=("no_such_package_here",)))
            def needy(reference, completion):
                return Verdict.accept()
        """)
    )
    info = tmp_path / "needy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: needy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[selfplay.verifiers]\nneedy = needy_of_tests:needy\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (found,) = [finding for finding in plugins_and_services.needs() if finding.name == "verifier needy"]
    assert (found.state, "64 GPUs, the network, no_such_package_here" in found.value) == ("limited", True)
    assert "Install no_such_package_here." in found.remedy
    assert "GPU to spare" in found.remedy
