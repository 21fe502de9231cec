"""The verdicts of a run in strata, and a draw from each.

A stratum is one verifier (with version and settings), one outcome, and whether a second verifier disagrees. Undecided
verdicts and disagreements are few and tell most, so they get up to half of the draw; the others share the rest equally.
Within a stratum the draw is spread over arms, generations and thirds of difficulty. Samples that were cut or never
written have no verdict of a verifier and are not drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from selfplay.ledger.ledger import Ledger


@dataclass(frozen=True)
class Judged:
    """One synthetic sample with its verdict."""

    id: str
    verifier: str
    version: str
    settings_hash: str
    outcome: str
    arm: str
    generation: int
    difficulty: float
    """0 where the source gives none."""

    @property
    def judge(self) -> tuple[str, str, str]:
        return self.verifier, self.version, self.settings_hash


@dataclass(frozen=True)
class Stratum:
    """Verdicts of one verifier with one outcome."""

    judge: tuple[str, str, str]
    outcome: str
    disagrees: bool

    @property
    def key(self) -> str:
        return "|".join((*self.judge, self.outcome, "disagrees" if self.disagrees else ""))

    @classmethod
    def of_key(cls, key: str) -> Stratum:
        *judge, outcome, disagrees = key.rsplit("|", 4)
        return cls((judge[0], judge[1], judge[2]), outcome, bool(disagrees))


def population(ledger: Ledger) -> list[Judged]:
    """Every verdict that a verifier gave on a synthetic sample; a model at several places counts at the first."""
    sql = """
        SELECT s.id, v.verifier, v.version, v.settings_hash, v.outcome, coalesce(m.arm, ''), coalesce(m.generation, 0),
               coalesce(p.difficulty, 0)
        FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
        LEFT JOIN (SELECT fingerprint, min_by(arm, generation) AS arm, min(generation) AS generation
                   FROM models GROUP BY 1) m ON m.fingerprint = s.model
        WHERE s.origin = 'synthetic' AND v.version != '' ORDER BY s.id
    """
    return [Judged(*row) for row in ledger.rows(sql)]


def strata(verdicts: Sequence[Judged], second: Mapping[str, str]) -> dict[Stratum, list[Judged]]:
    """The verdicts by stratum, each in the order of ids.

    Args:
        second: outcome of another verifier by sample id; samples without one agree.
    """
    found: dict[Stratum, list[Judged]] = {}
    for one in verdicts:
        stratum = Stratum(one.judge, one.outcome, second.get(one.id, one.outcome) != one.outcome)
        found.setdefault(stratum, []).append(one)
    return dict(sorted(found.items(), key=lambda entry: entry[0].key))


def draw(found: Mapping[Stratum, Sequence[Judged]], count: int, seed: int) -> dict[Stratum, list[Judged]]:
    """At most `count` verdicts: some of every stratum, undecided ones and disagreements first."""
    sizes = {stratum: len(members) for stratum, members in found.items()}
    first = {one: size for one, size in sizes.items() if one.disagrees or one.outcome == "undecided"}
    others = {one: size for one, size in sizes.items() if one not in first}
    given = share_out(first, count // 2 if others else count)
    given |= share_out(others, count - sum(given.values()))
    # what the others could not use goes back to those served first
    given |= share_out(first, count - sum(given[stratum] for stratum in others))
    return {
        stratum: _systematic(members, given[stratum], Random(f"review {seed} {stratum.key}"))
        for stratum, members in found.items()
    }


def share_out(sizes: Mapping[Stratum, int], count: int) -> dict[Stratum, int]:
    """Equal shares of `count`, none larger than its stratum; what one cannot use the others get."""
    given = dict.fromkeys(sizes, 0)
    left = min(count, sum(sizes.values()))
    while left > 0:
        open_ = [stratum for stratum in sizes if given[stratum] < sizes[stratum]]
        each, rest = divmod(left, len(open_))
        for place, stratum in enumerate(open_):
            more = min(each + (place < rest), sizes[stratum] - given[stratum])
            given[stratum] += more
            left -= more
    return given


def _systematic(members: Sequence[Judged], count: int, random: Random) -> list[Judged]:
    """Every n-th from a random start (Cochran 1977, Sampling Techniques, chapter 8), along arm, generation and third of
    difficulty. Where these are equal the order is random: a fixed one would leave only a few different draws."""
    if count == 0:
        return []
    ordered = list(members)
    random.shuffle(ordered)
    difficulties = sorted(one.difficulty for one in ordered)
    thirds = [difficulties[len(ordered) * part // 3] for part in (1, 2)]
    ordered.sort(key=lambda one: (one.arm, one.generation, bisect_right(thirds, one.difficulty)))
    step = len(ordered) / count
    start = random.random() * step
    return [ordered[min(len(ordered) - 1, int(start + step * turn))] for turn in range(count)]
