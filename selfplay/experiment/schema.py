"""An experiment, as pydantic models: this file is the YAML schema.

    experiment = load_experiment(Path("experiment.yaml"), overrides=["distill.steps=200", "arms[0].name=baseline"])

Unknown keys are refused. Each field's docstring says what it does; `selfplay schema` prints the JSON schema.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializeAsAny,
    StringConstraints,
    ValidationInfo,
    WrapValidator,
    model_validator,
)

from selfplay.distill.method import DistillSettings
from selfplay.distill.registry import distill_settings
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.registry import ENGINES, check_options
from selfplay.errors import ConfigError, EngineError
from selfplay.experiment.alarm_conditions import Condition, StopCondition
from selfplay.measure.measure import ALL_TASKS
from selfplay.measure.registry import taken
from selfplay.models.folders import INITIAL, START, ModelInit

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def _writable_name(path: Path) -> Path:
    try:
        if b"\0" not in os.fsencode(path):
            return path
    except UnicodeEncodeError:
        pass
    raise ValueError("no path may hold a NUL or half a surrogate pair; write it anew")


class Section(BaseModel):
    """A part of the experiment: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class ModelSection(Section):
    """The starting weights: made here (`init`), or a folder or Hub id (`path`)."""

    init: ModelInit | None = None
    """Create a small random Llama from these sizes."""
    path: str | None = None
    """A `save_pretrained` folder, or a Hub id such as Qwen/Qwen2.5-0.5B-Instruct."""
    revision: str | None = None
    """Branch, tag or commit of the Hub id."""
    generation_0: Literal["worked-examples", "as-is"] | None = None
    """What generation 0 is: the weights after training on the worked examples (default with `init`), or the
    weights as they are (default with `path`)."""
    chat: bool | None = None
    """Use the tokenizer's chat template; unset: exactly when it has one."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model. Leave false unless you wrote it."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.init is None) == (self.path is None):
            raise ValueError("give exactly one of `init` (make a model) and `path` (a folder or Hub id)")
        if self.revision is not None and self.path is None:
            raise ValueError("`revision` needs `path`")
        return self

    @property
    def trains_first(self) -> bool:
        """Whether generation 0 is trained on the worked examples."""
        return (self.generation_0 or ("worked-examples" if self.init else "as-is")) == "worked-examples"


class TaskSection(BaseModel):
    """One task source. Keys that are not listed here are the source's own and are checked by it."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    source: str
    """A source's name (`selfplay tasks list`), or `path/to/file.py:name`."""
    examples: int | None = Field(default=None, ge=0)
    """Worked examples (problems with solutions) to train on; unset: all that a finite source has."""
    problems: int = Field(ge=0)
    """Problems given to the model in each generation; 0: the task is evaluated only, such as humaneval."""

    @property
    def settings(self) -> dict[str, Any]:
        """The source's own keys."""
        return dict(self.model_extra or {})


class SamplingSection(SamplingSettings):
    """How training samples are drawn."""

    n: int = Field(default=1, ge=1)
    """Samples for each problem."""


class EvaluateSection(Section):
    """Held-out evaluation: the same problems and draws for every arm, judged by the verifiers of `verify`."""

    problems: int = Field(default=400, ge=1)
    """Held-out problems over all tasks, in equal parts."""
    validation: int = Field(default=0, ge=0)
    """Further held-out problems, apart from these, that choices may be made on (`rollback`); 0 is none."""
    temperature: float = Field(default=0.0, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    """Unset: the same as `sampling.max_tokens`."""


class RandomSubset(Section):
    """Keep a random subset that is as large, task by task, as what another arm kept in the same generation."""

    random_as_many_as: Name


class Filtered(BaseModel):
    """Keep what a group filter chooses, which looks at all samples of a problem together and at no reference. Keys that
    are not listed here are the filter's own and are checked by it."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True, serialize_by_alias=True)

    filter: str
    """A filter's name (agreement, majority, mean_logprob, self_consistency), or `path/to/file.py:name`."""
    others: list[Name] = Field(default=[], alias="with")
    """Arms listed before this one whose samples of the same problems the filter sees too."""

    @property
    def settings(self) -> dict[str, Any]:
        """The filter's own keys."""
        return dict(self.model_extra or {})


class WorkedShare(Section):
    """Worked examples as a fixed share of the training set, instead of all of them."""

    share: float = Field(gt=0, lt=1)
    """Share of worked examples among all rows."""
    draw: Literal["fresh", "same"] = "fresh"
    """`fresh`: new ones every generation (from a finite source: drawn again); `same`: always the same ones."""


class Arm(Section):
    """One way to build training data."""

    name: Name
    data: Literal["human", "human+synthetic", "synthetic"]
    """Worked examples alone, worked examples and the model's own samples, or its own samples alone. Where a
    program stands in for people, worked examples are procedural, and the report says so."""
    keep: Literal["all", "verified"] | RandomSubset | Filtered | None = None
    """Which of its samples the arm trains on; must be said where there are any."""
    human: WorkedShare | None = None
    """Unset: all worked examples."""
    pool: Literal["replace", "accumulate"] = "replace"
    """Samples of earlier generations: dropped, or kept and added to."""
    start: Literal["initial", "previous"] = "initial"
    """Where each training starts: the initial weights, or the previous generation's."""

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.data == "human" and self.keep is not None:
            raise ValueError("`keep` needs synthetic data; this arm's `data` is human")
        if self.data != "human" and self.keep is None:
            raise ValueError("say what to `keep` of its samples, such as all or verified")
        if self.human is not None and self.data != "human+synthetic":
            raise ValueError("`human` is a share and needs `data: human+synthetic`")
        if self.name in (START, INITIAL):
            raise ValueError(f"`{self.name}` is the name of generation 0 or of its weights; choose another")
        return self

    @property
    def uses_samples(self) -> bool:
        return self.data != "human"

    @property
    def follows(self) -> list[str]:
        """The arms whose samples of a generation it needs in order to choose its own."""
        if isinstance(self.keep, RandomSubset):
            return [self.keep.random_as_many_as]
        return self.keep.others if isinstance(self.keep, Filtered) else []


class Resources(Section):
    """What of the machine or cluster each part may use."""

    verifier_workers: int | None = Field(default=None, ge=1)
    """Supervised verifier processes; unset: one for each CPU that the engines leave, at most 8."""
    verifier_memory_mb: int = Field(default=2048, ge=128)
    """Address space of one verifier process, in MiB."""
    max_fault_share: float = Field(default=0.01, ge=0, le=1)
    """Share of verdicts with reason `fault` above which the run stops."""


class Experiment(Section):
    """A whole experiment."""

    name: Name
    output: Annotated[Path, AfterValidator(_writable_name)] = Path("runs")
    """Folder that runs are written under."""
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(default=[0], min_length=1)
    generations: int = Field(default=3, ge=0)
    """Turns of the loop after generation 0."""
    model: ModelSection
    engine: EngineSettings = EngineSettings()
    tasks: list[TaskSection] = Field(min_length=1)
    verify: dict[str, dict[str, JsonValue]] = {}
    """Settings of each verifier, by name (`selfplay verifiers list`); or `{verifier: ..., settings: {...}}`, another
    verifier in its place, such as all_of."""
    verify_training: dict[str, dict[str, JsonValue]] = {}
    """The same for training samples alone, in place of the entry in `verify`; evaluation does not see it."""
    sampling: SamplingSection
    distill: Annotated[SerializeAsAny[DistillSettings], WrapValidator(distill_settings)]
    """The training step; which further keys there are is up to its `method` (`selfplay distill show METHOD`)."""
    evaluate: EvaluateSection = EvaluateSection()
    arms: list[Arm] = Field(min_length=1)
    measures: list[str] = []
    """Further measures beside those that ship (`selfplay measures list`): names, or `path/to/file.py:name`."""
    warn_when: list[Condition] = []
    """Conditions on measures that are shown where they are met; the run goes on."""
    stop_when: list[StopCondition] = []
    """Conditions on measures that end an arm or the run, with exit code 3."""
    rollback: Literal["best"] | None = None
    """`best`: each generation continues from the arm's best model so far by validation accuracy (the later of equals),
    instead of from its last; needs `evaluate.validation`."""
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _arms_and_tasks(self) -> Self:
        _distinct("arms", [arm.name for arm in self.arms])
        _distinct("tasks", [task.source for task in self.tasks])
        _distinct("seeds", [str(seed) for seed in self.seeds])
        earlier: dict[str, Arm] = {}
        for arm in self.arms:
            for other in arm.follows:
                model = earlier.get(other)
                if model is None or not model.uses_samples:
                    wants = "as many samples as" if isinstance(arm.keep, RandomSubset) else "the samples of"
                    raise ValueError(
                        f"arm `{arm.name}` wants {wants} `{other}`, which must be an arm with synthetic data listed "
                        "before it"
                    )
            if isinstance(arm.keep, Filtered):
                _distinct(f"keep.with` of arm `{arm.name}", arm.keep.others)
            earlier[arm.name] = arm
        if not any(task.problems for task in self.tasks):
            raise ValueError("`tasks` gives the model no problems; set `problems` of at least one task above 0")
        if self.evaluate.problems < len(self.tasks):
            raise ValueError("`evaluate.problems` must be at least one for each task")
        if 0 < self.evaluate.validation < len(self.tasks):
            raise ValueError("`evaluate.validation` must be at least one for each task")
        return self

    @model_validator(mode="after")
    def _engine_exists(self, info: ValidationInfo) -> Self:
        if self.engine.kind == "auto" or _is_recorded(info):
            return self
        where = "`engine.kind`: "
        try:
            kind = ENGINES.find(self.engine.kind)
            where = ""
            check_options(kind, self.engine.options)
        except EngineError as error:
            raise ValueError(f"{where}{error}") from None
        return self

    @model_validator(mode="after")
    def _alarms_and_rollback(self, info: ValidationInfo) -> Self:
        if _is_recorded(info):
            return self
        arms = {arm.name: arm for arm in self.arms}
        try:
            measures = taken(self.measures)
        except ConfigError as error:
            raise ValueError(f"`measures`: {error}") from None
        asked = [(f"warn_when[{number}]", condition) for number, condition in enumerate(self.warn_when)]
        asked += [(f"stop_when[{number}]", condition) for number, condition in enumerate(self.stop_when)]
        for key, condition in asked:
            name, measure = condition.measure, measures.get(condition.measure)
            if measure is None:
                raise ValueError(f"`{key}`: there is no measure `{name}`; known are {', '.join(measures)}")
            if condition.task != ALL_TASKS and not measure.by_task:
                raise ValueError(f"`{key}`: {name} is measured over all tasks together; remove `task`")
            if condition.arm is not None and condition.arm not in arms:
                raise ValueError(f"`{key}.arm`: there is no arm `{condition.arm}`; name one of {', '.join(arms)}")
            judged = [arms[condition.arm]] if condition.arm is not None else self.arms
            if measure.of == "samples" and not any(arm.uses_samples for arm in judged):
                raise ValueError(
                    f"`{key}`: {name} is of samples, and `{judged[0].name}` draws none; "
                    "remove it, because it could never be met"
                )
            if (condition.falling_for or 0) > self.generations:
                raise ValueError(f"`{key}.falling_for` is more than `generations`, so it is never met")
            if measure.of == "validation" and not self.evaluate.validation:
                raise ValueError(f"`{key}`: {name} needs `evaluate.validation` above 0")
        if self.rollback is not None and not self.evaluate.validation:
            raise ValueError("`rollback` chooses by validation accuracy; set `evaluate.validation` above 0")
        return self


def _is_recorded(info: ValidationInfo) -> bool:
    """Whether this is the config of a run that was made, whose plugins may be gone; see `load_experiment`."""
    return bool((info.context or {}).get("recorded"))


def _distinct(key: str, names: list[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"`{key}` has `{doubled[0]}` twice; names must differ")
