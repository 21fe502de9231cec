"""Composed verifiers: the truth tables, what is asked, faults, scores, references, hashes; and under a supervisor."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers import BadReference, BadSettings, Row, Supervisor, UnknownVerifier, VerifierSpec, load

WORDS = """
from pydantic import BaseModel
from selfplay.verifiers import Needs, Verdict, Verifier, verifier

class Which(BaseModel):
    at: int
    score: float | None = None
    log: str | None = None

class Word(Verifier):
    "What the word at a place of the completion says."
    name = "word"
    version = "1"
    needs = Needs(gpu=0.5)
    Settings = Which

    def verify(self, asked):
        word = asked.completion.split()[self.settings.at]
        if self.settings.log:
            with open(self.settings.log, "a") as log:
                print(self.settings.at, file=log)
        if word == "raise":
            raise OSError("no judge today")
        if word == "open":
            return Verdict.open("who knows")
        told = Verdict.accept if word == "yes" else Verdict.reject
        return told(f"{word}_{self.settings.at}", score=self.settings.score)

class Bulk(Word):
    name = "bulk"
    batch = 8

    def verify_many(self, asked):
        if len(asked) > 1 and "raise" in " ".join(one.completion for one in asked):
            raise OSError("no judge of many today")
        return [self.verify(one).model_copy(update={"detail": {"size": len(asked)}}) for one in asked]
"""
WHOLE = {"yes": "accepted", "no": "rejected", "open": "undecided", "raise": "undecided"}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plugin") / "words.py"
    path.write_text(WORDS)
    return f"{path}:Word"


def parts(words: str, count: int, **more: Any) -> dict[str, Any]:
    return {"parts": [{"verifier": words, "settings": {"at": at, **more}} for at in range(count)]}


def kleene(name: str, outcomes: list[str]) -> str:
    decisive = "rejected" if name == "all_of" else "accepted"
    if decisive in outcomes:
        return decisive
    return "undecided" if "undecided" in outcomes else {"all_of": "accepted", "any_of": "rejected"}[name]


@pytest.mark.parametrize("name", ["all_of", "any_of"])
def test_every_row_of_the_truth_table(words: str, name: str) -> None:
    loaded = load(name, parts(words, 3))
    for said in itertools.product(WHOLE, repeat=3):
        verdict = loaded.verify({}, " ".join(said))
        assert verdict.outcome == kleene(name, [WHOLE[word] for word in said]), said
        if verdict.outcome == "undecided":
            assert verdict.reason == ("fault" if "raise" in said else "open")


def test_not_and_cascade(words: str) -> None:
    turned = load("not", {"of": {"verifier": words, "settings": {"at": 0}}})
    assert [turned.verify({}, word).outcome for word in WHOLE] == ["rejected", "accepted", "undecided", "undecided"]
    assert turned.verify({}, "yes").reason == "not_yes_0"
    cascade = load("cascade", parts(words, 3))
    for said in itertools.product(WHOLE, repeat=3):
        decided = [WHOLE[word] for word in said if WHOLE[word] != "undecided"]
        verdict = cascade.verify({}, " ".join(said))
        assert verdict.outcome == (decided[0] if decided else "undecided"), said


@pytest.mark.parametrize(
    ("name", "said", "asked"),
    [
        ("all_of", "no yes yes", "0"),
        ("all_of", "open no yes", "01"),
        ("all_of", "yes yes yes", "012"),
        ("any_of", "no yes yes", "01"),
        ("cascade", "open yes no", "01"),
        ("cascade", "no yes no", "0"),
    ],
)
def test_no_more_parts_are_asked_than_decide(words: str, tmp_path: Path, name: str, said: str, asked: str) -> None:
    log = tmp_path / "log"
    verdict = load(name, parts(words, 3, log=str(log))).verify({}, said)
    assert "".join(log.read_text().split()) == asked
    assert [part["outcome"] for part in verdict.detail["parts"]] == [  # type: ignore[index, union-attr, call-overload]
        WHOLE[said.split()[int(place)]] for place in asked
    ]


def test_a_weighted_score_stands_beside_the_outcome(words: str) -> None:
    chosen = [
        {"verifier": words, "settings": {"at": 0}, "weight": 3},
        {"verifier": words, "settings": {"at": 1, "score": 0.5}, "weight": 1},
        {"verifier": words, "settings": {"at": 2}},
    ]
    loaded = load("all_of", {"parts": chosen})
    for said, outcome, score in (
        ("yes yes yes", "accepted", 0.875),
        ("no yes yes", "rejected", 0.125),
        ("yes no no", "rejected", 0.875),
        ("yes yes open", "undecided", None),
        ("open no yes", "rejected", None),
    ):
        verdict = loaded.verify({}, said)
        assert (verdict.outcome, verdict.score) == (outcome, score), said
    with pytest.raises(BadSettings, match="a part of a cascade has no `weight`"):
        load("cascade", {"parts": chosen})


def test_real_parts_share_a_reference_or_have_their_own() -> None:
    chosen: list[dict[str, Any]] = [
        {"verifier": "length", "settings": {"most": 200}},
        {"verifier": "math"},
        {"verifier": "calculation"},
    ]
    loaded = load("all_of", {"parts": chosen})
    assert loaded.verify({"answer": "7"}, "3 + 4 = 7\n\\boxed{7}").outcome == "accepted"
    wrong = loaded.verify({"answer": "7"}, "3 + 5 = 7\n\\boxed{7}")
    assert (wrong.reason, wrong.detail["decided_by"], wrong.detail["left"]) == ("wrong_step", "calculation", "8")
    with pytest.raises(BadReference, match=r"math verifier, `answer`"):
        loaded.check_reference({"anwser": "7"})
    own_parts: list[Any] = [{"verifier": "math", "reference": "math"}, {"verifier": "exact", "reference": "text"}]
    own = load("any_of", {"parts": own_parts})
    reference: dict[str, Any] = {"math": {"answer": "7"}, "text": {"answer": "seven"}}
    assert [own.verify(reference, text).outcome for text in (r"\boxed{7}", "seven", "8")] == [
        "accepted",
        "accepted",
        "rejected",
    ]
    with pytest.raises(BadReference, match="no object `math` for its part math"):
        own.check_reference({"test": {"answer": "seven"}})


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("name", ["all_of", "any_of", "cascade"])
def test_a_reference_that_a_part_cannot_read_is_unknown_and_the_others_may_decide(
    words: str, name: str, batched: bool
) -> None:
    """Every row of the truth table once more, with one part whose own reference is missing."""
    first, second, third = parts(words.replace(":Word", ":Bulk") if batched else words, 3)["parts"]
    for unread in range(3):
        chosen = [{**part, "reference": f"of {at}"} for at, part in enumerate((first, second, third))]
        reference: dict[str, Any] = {f"of {at}": {} for at in range(3) if at != unread}
        loaded = load(name, {"parts": chosen})
        for said in itertools.product(["yes", "no", "open"], repeat=3):
            outcomes = ["undecided" if at == unread else WHOLE[word] for at, word in enumerate(said)]
            decided = [outcome for outcome in outcomes if outcome != "undecided"]
            wanted = kleene(name, outcomes) if name != "cascade" else (decided[0] if decided else "undecided")
            verdict = loaded.verify(reference, " ".join(said))
            assert verdict.outcome == wanted, (unread, said)
            if verdict.outcome == "undecided":
                assert verdict.reason == "fault"
                assert f"no object `of {unread}` for its part" in str(verdict.detail["what"])


def test_a_reference_that_no_part_can_read_says_which_key_is_missing() -> None:
    loaded = load("any_of", {"parts": [{"verifier": "math"}, {"verifier": "exact"}]})
    with pytest.raises(BadReference, match="math verifier, `answer`"):
        loaded.verify({"anwser": "7"}, "7")


@pytest.mark.parametrize(
    ("name", "reference", "complaint"),
    [
        ("all_of", {"math": {"answer": "7"}}, "no object `text` for its part exact"),
        ("all_of", {"math": {"answer": "7"}, "text": {"anwser": "7"}}, "exact verifier, `answer`"),
        ("any_of", {"math": {"answer": "7"}}, None),
        ("cascade", {"text": {"answer": "7"}}, None),
        ("cascade", {}, "no object `math` for its part math"),
    ],
)
def test_before_a_run_a_reference_is_refused_with_which_nothing_could_be_accepted(
    name: str, reference: dict[str, Any], complaint: str | None
) -> None:
    inside: list[Any] = [{"verifier": "math", "reference": "math"}, {"verifier": "exact", "reference": "text"}]
    loaded = load(name, {"parts": inside})
    if complaint is None:
        loaded.check_reference(reference)
        return
    with pytest.raises(BadReference, match=complaint):
        loaded.check_reference(reference)
    nested: list[Any] = [{"verifier": name, "settings": {"parts": inside}}, {"verifier": "length"}]
    with pytest.raises(BadReference, match=complaint):
        load("all_of", {"parts": nested}).check_reference(reference)
    load("any_of", {"parts": nested}).check_reference(reference)


def test_nested_verifiers_load_each_part_once(tmp_path: Path) -> None:
    """A part that is loaded n times at each of 12 levels would write n ** 12 marks."""
    mark = tmp_path / "marks"
    (tmp_path / "counted.py").write_text(
        "from selfplay.verifiers import Verdict, Verifier\n"
        "class Counted(Verifier):\n"
        "    name, version = 'counted', '1'\n"
        "    def __init__(self, settings):\n"
        f"        with open({str(mark)!r}, 'a') as marks: marks.write('x')\n"
        "    def verify(self, asked): return Verdict.accept()\n"
    )
    nest: dict[str, Any] = {"verifier": f"{tmp_path}/counted.py:Counted"}
    for level in range(12):
        name, inside = ("not", {"of": nest}) if level % 2 else ("all_of", {"parts": [nest]})
        nest = {"verifier": name, "settings": inside}
    loaded = load(nest["verifier"], nest["settings"])
    assert mark.read_text() == "x"
    assert loaded.verify({}, "").outcome == "accepted"


def test_the_settings_hash_is_made_of_the_parts(words: str) -> None:
    def hashed(**settings: Any) -> str:
        return load("all_of", {"parts": [{"verifier": "math", "settings": settings}]}).settings_hash

    assert hashed() == hashed(answer="marked") != hashed(answer="whole")
    path = Path(words.removesuffix(":Word"))
    copy = path.with_name("newer.py")
    copy.write_text(WORDS.replace('version = "1"', 'version = "2"'))
    older, newer = (load("all_of", parts(name, 1)).settings_hash for name in (words, f"{copy}:Word"))
    assert older != newer
    copy.write_text(WORDS)
    assert load("all_of", parts(words, 1)).plugin.needs.gpu == 0.5


@pytest.mark.parametrize(
    ("settings", "error", "words_of"),
    [
        ({"parts": []}, BadSettings, "`parts`"),
        ({"parts": [{"verifier": "math", "settings": {"answr": 1}}]}, BadSettings, r"`parts\.0` .*all_of.*`answr`"),
        (
            {"parts": [{"verifier": "math"}, {"verifier": "maht"}]},
            UnknownVerifier,
            r"`parts\.1` .*did you mean `math`",
        ),
        ({"parts": [{"verifier": "math", "weight": 0}]}, BadSettings, r"`parts\.0\.weight`"),
        ({"parts": [{"verifier": "math", "setings": {}}]}, BadSettings, r"`parts\.0\.setings`"),
    ],
)
def test_wrong_settings_name_the_part(settings: dict[str, Any], error: type[Exception], words_of: str) -> None:
    with pytest.raises(error, match=words_of):
        load("all_of", settings)


def test_under_a_supervisor_with_a_part_that_has_a_batch_form(words: str) -> None:
    bulk = words.replace(":Word", ":Bulk")
    settings = {
        "parts": [
            {"verifier": "any_of", "settings": parts(words, 1)},
            {"verifier": bulk, "settings": {"at": 1}},
            {"verifier": "not", "settings": {"of": {"verifier": "regex", "settings": {"pattern": "never"}}}},
        ]
    }
    said = ["yes yes", "no yes", "yes no", "yes raise", "yes open", "yes yes never"] * 3
    with Supervisor(VerifierSpec(verifier="all_of", settings=settings)) as supervisor:
        judged = list(supervisor.judge([Row(str(n), {}, text) for n, text in enumerate(said)]))
    wanted = ["accepted", "rejected", "rejected", "undecided", "undecided", "rejected"] * 3
    assert [judgement.verdict.outcome for judgement in judged] == wanted
    assert {judgement.verifier for judgement in judged} == {"all_of"}
    assert judged[3].verdict.reason == "fault"
    assert "no judge today" in str(judged[3].verdict.detail["what"])


def test_deadlines_leave_every_part_its_budget() -> None:
    loaded = load("all_of", {"parts": [{"verifier": "code", "settings": {"timeout": 4}}, {"verifier": "math"}]})
    assert (loaded.plugin.timeout, loaded.plugin.budgets) == (14, 2)
