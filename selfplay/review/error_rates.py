"""A verifier's error rates from labels drawn by stratum, and shares corrected by them.

Rates. With N_h verdicts in stratum h, n_h of them labelled and p_h the share found right, the right verdicts of a set
of strata are T = sum N_h p_h (Cochran 1977, Sampling Techniques, 3rd edition, section 5.3). The true positive rate is
T(accepted) / T(all), the false positive rate (N(accepted) - T(accepted)) / (N - T(all)): combined ratio estimators
(section 6.11). Their standard errors are by linearisation: with residuals e = y - R x, Var = 1/X^2 sum N_h^2
(1 - n_h/N_h) s_eh^2 / n_h. Where all labels of a stratum agree, s_eh is 0 and the plain formula claims to be certain;
there p_h is smoothed to (k_h + 1)/(n_h + 2) for the variance alone.

Intervals. 95 % of 10,000 draws in which each p_h has its Jeffreys posterior Beta(k_h + 1/2, n_h - k_h + 1/2) (Brown,
Cai and DasGupta 2001, Statistical Science 16:101) and the unlabelled rest of the stratum is binomial.

Correction. A share q that the verifier accepts means a share of right ones of (q - FPR) / (TPR - FPR) (Rogan and Gladen
1978, American Journal of Epidemiology 107:71), cut at 0 and 1; its interval is over the same draws of the rates and a
Jeffreys posterior of q. It takes the rates to be the same in the arm as in the run.

Undecided verdicts are not accepted, as in a run's accuracy; samples labelled unsure are left out, as if not drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from selfplay.errors import RunError

DRAWS = 10_000
Draws: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """One stratum with its labels."""

    accepted: bool
    size: int
    labelled: int
    right: int


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float
    error: float | None = None
    """Standard error by linearisation, where it is known."""


@dataclass(frozen=True)
class Rates:
    """What the labels say of one verifier."""

    true_positive: Estimate
    false_positive: Estimate
    true_draws: Draws
    false_draws: Draws

    @property
    def usable(self) -> bool:
        """Whether a correction means anything: TPR above FPR, in the estimate and in 97.5 % of the draws."""
        informed = np.mean(self.true_draws > self.false_draws) >= 0.975
        return bool(informed and self.true_positive.value > self.false_positive.value)


def rates(strata: Iterable[Labelled], seed: int = 0) -> Rates:
    """The error rates of a verifier.

    Args:
        strata: all strata of its verdicts; each that is not empty has at least one label.

    Raises:
        RunError: a stratum has no label, or nothing is right, or nothing is wrong, so that a rate has no base.
    """
    found = [one for one in strata if one.size]
    if any(one.labelled == 0 for one in found):
        raise RunError("a stratum has no label yet; label more of the draw.")
    totals = {side: sum(_total(one) for one in found if one.accepted == side) for side in (True, False)}
    sizes = {side: sum(one.size for one in found if one.accepted == side) for side in (True, False)}
    right, wrong = sum(totals.values()), sum(sizes.values()) - sum(totals.values())
    if right <= 0 or wrong <= 0:
        kind = "right" if right <= 0 else "wrong"
        raise RunError(f"no labelled sample is {kind}, so a rate has no base; label more.")
    tpr, fpr = totals[True] / right, (sizes[True] - totals[True]) / wrong
    generator = np.random.default_rng(seed)
    drawn = {side: np.zeros(DRAWS) for side in (True, False)}
    for one in found:
        drawn[one.accepted] += _drawn_total(one, generator)
    all_right = drawn[True] + drawn[False]
    all_wrong = sum(sizes.values()) - all_right
    true_draws = _ratio(drawn[True], all_right)
    false_draws = _ratio(sizes[True] - drawn[True], all_wrong)
    return Rates(
        interval(tpr, true_draws, _linearised(found, tpr, right)),
        interval(fpr, false_draws, _linearised(found, fpr, wrong)),
        true_draws,
        false_draws,
    )


def corrected(rates: Rates, accepted: int, n: int, seed: int = 0) -> tuple[Estimate, Draws]:
    """The share of right ones behind `accepted` of `n`, and its draws.

    Raises:
        RunError: the labels do not show that TPR exceeds FPR.
    """
    if not rates.usable:
        raise RunError(
            "the labels do not show that the verifier accepts right samples more often than wrong ones, so nothing can "
            "be corrected by them; label more."
        )
    q = accepted / n
    value = (q - rates.false_positive.value) / (rates.true_positive.value - rates.false_positive.value)
    observed = np.random.default_rng([seed, accepted, n]).beta(accepted + 0.5, n - accepted + 0.5, DRAWS)
    gap = rates.true_draws - rates.false_draws
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.where(gap > 0, np.clip((observed - rates.false_draws) / gap, 0, 1), np.nan)
    draws = np.where(np.isnan(draws), np.random.default_rng(seed).uniform(0, 1, DRAWS), draws)
    return interval(min(1.0, max(0.0, value)), draws), draws


def wrong_shares(rates: Rates, right: Estimate, draws: Draws, q: float) -> tuple[Estimate, Estimate]:
    """(of accepted samples the share that is wrong, of the others the share that is wrong), by Bayes' rule.

    Args:
        right: the corrected share of right samples, with its draws.
        q: the accepted share.
    """
    tpr, fpr, share = rates.true_positive.value, rates.false_positive.value, right.value
    accepted = _ratio(rates.false_draws * (1 - draws), rates.false_draws * (1 - draws) + rates.true_draws * draws)
    others = (1 - rates.false_draws) * (1 - draws)
    rest = _ratio(others, others + (1 - rates.true_draws) * draws)
    wrong_accepted, right_accepted = fpr * (1 - share), tpr * share
    wrong_rest, right_rest = (1 - fpr) * (1 - share), (1 - tpr) * share
    return (
        interval(wrong_accepted / max(1e-12, wrong_accepted + right_accepted), accepted),
        interval(wrong_rest / max(1e-12, wrong_rest + right_rest), rest),
    )


def _total(one: Labelled) -> float:
    return one.size * one.right / one.labelled


def _drawn_total(one: Labelled, generator: np.random.Generator) -> Draws:
    shares = generator.beta(one.right + 0.5, one.labelled - one.right + 0.5, DRAWS)
    rest = generator.binomial(one.size - one.labelled, shares)
    total: Draws = one.right + rest.astype(np.float64)
    return total


def _linearised(strata: list[Labelled], rate: float, base: float) -> float:
    """Standard error of the ratio: accepted of right (or of wrong), over right (or wrong)."""
    variance = 0.0
    for one in strata:
        agree = one.right in (0, one.labelled)
        share = (one.right + 1) / (one.labelled + 2) if agree else one.right / one.labelled
        # e is 1 - R for a counted row that is accepted, -R for one that is not, and 0 for a row of the other kind
        residual = (1 - rate) if one.accepted else -rate
        spread = residual**2 * share * (1 - share) * one.labelled / max(1, one.labelled - 1)
        variance += one.size**2 * (1 - one.labelled / one.size) * spread / one.labelled
    return float(np.sqrt(variance)) / base


def _ratio(top: Draws, bottom: Draws) -> Draws:
    found: Draws = np.divide(top, bottom, out=np.full(DRAWS, 0.5), where=bottom > 0)
    return found


def interval(value: float, draws: Draws, error: float | None = None) -> Estimate:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value, min(value, float(low)), max(value, float(high)), error)
