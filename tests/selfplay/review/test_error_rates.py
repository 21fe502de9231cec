"""The estimators: exact where all is labelled, honest where little is, and covering the truth in simulated runs."""

from __future__ import annotations

import random

import pytest

from selfplay.errors import RunError
from selfplay.review.error_rates import Labelled, corrected, rates, wrong_shares
from selfplay.review.strata import Judged, Stratum, draw, share_out, strata


def test_a_population_that_is_labelled_whole_gives_its_own_rates() -> None:
    found = rates([Labelled(True, 60, 60, 54), Labelled(False, 40, 40, 6)])
    assert found.true_positive.value == pytest.approx(54 / 60)
    assert found.false_positive.value == pytest.approx(6 / 40)
    for estimate in (found.true_positive, found.false_positive):
        assert estimate.low == estimate.high == pytest.approx(estimate.value)
        assert estimate.error == 0


def test_strata_are_weighted_by_their_size() -> None:
    # 900 accepted of which 9 in 10 are right, 100 rejected of which 1 in 10 is; labels: 10 each
    found = rates([Labelled(True, 900, 10, 9), Labelled(False, 100, 10, 1)])
    assert found.true_positive.value == pytest.approx(810 / 820)
    assert found.false_positive.value == pytest.approx(90 / 180)
    # Cochran's linearised variance by hand: residuals 1 - R and -R, spread p(1-p) n/(n-1)
    rate = 90 / 180
    by_hand = 900**2 * (1 - 10 / 900) * (1 - rate) ** 2 * 0.09 * 10 / 9 / 10
    by_hand += 100**2 * (1 - 10 / 100) * rate**2 * 0.09 * 10 / 9 / 10
    assert found.false_positive.error == pytest.approx(by_hand**0.5 / 180)


def test_labels_that_agree_do_not_claim_certainty() -> None:
    found = rates([Labelled(True, 500, 5, 5), Labelled(False, 500, 5, 0)])
    assert found.true_positive.value == 1
    assert found.false_positive.value == 0
    assert found.true_positive.low < 0.8
    assert found.false_positive.high > 0.2
    assert found.true_positive.error is not None
    assert found.true_positive.error > 0.05


def test_rogan_and_gladen() -> None:
    found = rates([Labelled(True, 600, 600, 540), Labelled(False, 400, 400, 60)])
    right, draws = corrected(found, 600, 1000)
    assert right.value == pytest.approx(0.6)
    assert right.low < 0.6 < right.high
    of_accepted, of_others = wrong_shares(found, right, draws, 0.6)
    assert of_accepted.value == pytest.approx(0.1)
    assert of_others.value == pytest.approx(340 / 400)
    assert of_accepted.low < 0.1 < of_accepted.high


def test_what_cannot_be_corrected_is_refused() -> None:
    backwards = rates([Labelled(True, 100, 20, 5), Labelled(False, 100, 20, 15)])
    with pytest.raises(RunError, match="label more"):
        corrected(backwards, 50, 100)
    few = rates([Labelled(True, 100, 2, 2), Labelled(False, 100, 2, 1)])
    with pytest.raises(RunError, match="label more"):
        corrected(few, 50, 100)
    with pytest.raises(RunError, match="no label yet"):
        rates([Labelled(True, 100, 3, 2), Labelled(False, 100, 0, 0)])
    with pytest.raises(RunError, match="no labelled sample is right"):
        rates([Labelled(True, 100, 3, 0), Labelled(False, 100, 3, 0)])


def test_intervals_cover_the_truth_in_nearly_all_of_many_runs() -> None:
    sizes, right = (
        {"accepted": 700, "rejected": 280, "undecided": 20},
        {"accepted": 616, "rejected": 14, "undecided": 8},
    )
    tpr = 616 / (616 + 14 + 8)
    fpr = 84 / (84 + 266 + 12)
    covered = [0, 0, 0]
    runs = 200
    for seed in range(runs):
        dice = random.Random(seed)
        found = []
        for outcome, count in (("accepted", 40), ("rejected", 40), ("undecided", 20)):
            truth = [True] * right[outcome] + [False] * (sizes[outcome] - right[outcome])
            labels = dice.sample(truth, count)
            found.append(Labelled(outcome == "accepted", sizes[outcome], count, sum(labels)))
        measured = rates(found, seed)
        share, _ = corrected(measured, 700, 1000, seed)
        for place, (estimate, true) in enumerate(
            ((measured.true_positive, tpr), (measured.false_positive, fpr), (share, 0.638))
        ):
            covered[place] += estimate.low <= true <= estimate.high
    # binomial with 0.95: 3 standard deviations below the mean are 181 of 200
    assert min(covered) >= 181


def verdicts(count: int, outcome: str, arm: str = "verified") -> list[Judged]:
    return [Judged(f"{arm} {outcome} {i}", "math", "1", "abc", outcome, arm, i % 3, float(i % 5)) for i in range(count)]


def test_the_draw_takes_undecided_and_disagreements_first_and_spreads_over_arms() -> None:
    everything = verdicts(600, "accepted") + verdicts(300, "accepted", "other") + verdicts(400, "rejected")
    everything += verdicts(7, "undecided")
    second = {f"verified rejected {i}": "accepted" for i in range(3)}
    found = strata(everything, second)
    drawn = draw(found, 100, 0)
    by_name = {(s.outcome, s.disagrees): members for s, members in drawn.items()}
    assert {name: len(members) for name, members in by_name.items()} == {
        ("accepted", False): 45,
        ("rejected", False): 45,
        ("rejected", True): 3,
        ("undecided", False): 7,
    }
    arms = [one.arm for one in by_name["accepted", False]]
    assert (arms.count("verified"), arms.count("other")) == (30, 15)
    generations = [one.generation for one in by_name["accepted", False]]
    assert all(generations.count(turn) == 15 for turn in range(3))
    assert all(len(set(members)) == len(members) for members in drawn.values())
    assert draw(found, 100, 0) == drawn
    assert draw(found, 100, 1) != drawn
    assert sum(map(len, draw(found, 5000, 0).values())) == len(everything)


def test_equal_shares_leave_nothing_over() -> None:
    names = [Stratum(("a", "1", "x"), outcome, False) for outcome in ("accepted", "rejected", "undecided")]
    assert list(share_out(dict(zip(names, (100, 3, 50), strict=True)), 100).values()) == [49, 3, 48]
    assert list(share_out(dict(zip(names, (100, 3, 50), strict=True)), 2).values()) == [1, 1, 0]
    assert share_out({}, 10) == {}
    assert Stratum.of_key(names[0].key) == names[0]
