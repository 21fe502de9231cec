"""The families of reasoning-gym (procedural), each as a source `reasoning_gym:NAME`, such as `reasoning_gym:chain_sum`.

    tasks:
      - {source: reasoning_gym:chain_sum, config: {min_terms: 2, max_terms: 4}, examples: 100, problems: 500}

reasoning-gym (Stojanovski et al. 2025, arXiv 2505.24760; Apache-2.0) is the extra `reasoning-gym`. Its own
`score_answer` judges, in the verifier `reasoning_gym`; only the full score 1 is accepted. REFUSED has the families
that are not offered.
"""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Problem, content_hash
from selfplay.tasks.source import ProceduralFamily, TaskSource

REFUSED = {
    **dict.fromkeys(
        ("binary_matrix", "n_queens", "spiral_matrix", "string_insertion"), "its scorer calls eval on the answer"
    ),
    **dict.fromkeys(("bitwise_arithmetic", "number_sorting"), "its scorer calls eval on the entry"),
    **dict.fromkeys(
        ("countdown", "intermediate_integration", "polynomial_multiplication", "puzzle24", "simple_integration"),
        "its scorer gives the answer to sympy's parser, which evaluates it",
    ),
    **dict.fromkeys(("arc_agi", "gsm_symbolic", "rearc"), "its entries do not survive being written as JSON"),
    "game_of_life_halting": "its scorer gives every answer that is not empty the full score",
    "composite": "it stands for others; name those as sources of their own",
}
"""Families that are not offered, and why. Text from a model, or of a reference, must never be evaluated."""
BLOCK = 1000
"""Entries of one data set of theirs; a further thousand comes from another seed."""
INSTRUCTION = "\n\nGive only the answer between <answer> and </answer>."


class ReasoningGym(ProceduralFamily):
    """A family of reasoning-gym, named after a colon: `reasoning_gym:chain_sum`."""

    name: ClassVar[str] = "reasoning_gym"
    verifier: ClassVar[str] = "reasoning_gym"
    family: ClassVar[str] = ""

    config: dict[str, JsonValue] = Field(default={})
    """The family's own keys, its dials of difficulty among them."""
    prompt: Literal["bare", "tagged"] = "bare"
    """`bare`: the question as it is; `tagged`: it asks for the answer between <answer> and </answer>."""

    @classmethod
    def variant(cls, rest: str) -> type[TaskSource]:
        check_family(rest)
        named = {"name": f"{cls.name}:{rest}", "family": rest, "__doc__": _about(rest)}
        return type(cls.__name__, (cls,), {**named, "__module__": __name__})

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.family:
            raise ValueError("name a family after a colon, such as `reasoning_gym:chain_sum`")
        made_by = {"seed", "size"} & set(self.config)
        if made_by:
            raise ValueError(f"`config.{min(made_by)}` is not yours to set; seeds come from the experiment")
        try:
            family(self.family, 0, self.config)
        except (TypeError, ValueError, AssertionError) as error:
            known = ", ".join(own_keys(self.family))
            raise ValueError(f"`config` of {self.family}: {error}; its keys are: {known}") from None
        return self

    def problem(self, seed: int, index: int) -> Problem:
        entry = self._entry(seed, index)
        question, answer = entry["question"], entry["answer"]
        tagged = self.prompt == "tagged"
        return self.asked(
            prompt=question + (INSTRUCTION if tagged else ""),
            reference={"family": self.family, "config": self.config, "entry": entry},
            solution=f"<answer>{answer}</answer>" if tagged and answer is not None else answer,
            twin_key=f"{self.name} {' '.join(question.split())}",
        )

    def _entry(self, seed: int, index: int) -> dict[str, Any]:
        """An entry as JSON keeps it."""
        block, place = divmod(index, BLOCK)
        block_seed = int(content_hash("reasoning gym", seed, block), 16) % 2**31
        entry = family(self.family, block_seed, self.config)[place]
        try:
            kept: dict[str, Any] = json.loads(json.dumps(entry, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise SourceError(f"`{self.name}` cannot be used: its entries are no JSON ({error})") from None
        return kept


def check_family(name: str) -> None:
    """Raises SourceError: reasoning-gym is not installed, has no such family, or it is one of REFUSED."""
    if name in REFUSED:
        raise SourceError(f"`reasoning_gym:{name}` is not offered: {REFUSED[name]}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # its dependency cellpylib compares with `is`
            from reasoning_gym.factory import DATASETS
    except ImportError:
        raise SourceError(
            "the extra `reasoning-gym` is not installed; run `make install` in the checkout of selfplay, or "
            "`pip install -e '.[reasoning-gym]'` there"
        ) from None
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1)
        guess = (
            f"; did you mean `{near[0]}`?" if near else f"; it has: {', '.join(sorted(set(DATASETS) - set(REFUSED)))}"
        )
        raise SourceError(f"reasoning-gym has no family `{name}`{guess}")


def own_keys(name: str) -> list[str]:
    """The keys of a family's configuration that a user may set."""
    from reasoning_gym.factory import DATASETS

    return [key for key in DATASETS[name][1].__dataclass_fields__ if key not in ("seed", "size")]


def family(name: str, seed: int, config: Mapping[str, JsonValue]) -> Any:
    """Their data set of a thousand entries for a seed.

    Raises:
        TypeError, ValueError, AssertionError: the configuration is not the family's.
    """
    return _family(name, seed, json.dumps(config, sort_keys=True))


@lru_cache(maxsize=32)
def _family(name: str, seed: int, config: str) -> Any:
    from reasoning_gym import create_dataset

    return create_dataset(name, seed=seed, size=BLOCK, **json.loads(config))


def _about(name: str) -> str:
    return f"The family {name} of reasoning-gym; keys of its `config`: {', '.join(own_keys(name))}."
