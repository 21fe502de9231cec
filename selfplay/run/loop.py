"""The algorithm, top to bottom:

    for each seed:
        initial weights  ->  generation 0, evaluated
        for each arm:
            model = generation 0
            for each generation:
                samples      = the model writes n completions for every problem of the pool     (sampling.py)
                verdicts     = the verifiers judge them                                          (judging.py)
                training set = what this arm keeps of them, with worked examples       (selection.py, filters/)
                model        = train the initial weights (or the last model) on it     (students.py, distill/)
                scores       = its measures, among them accuracy on held-out problems   (scoring.py, measure/)
                alarms       = the conditions that these scores meet; one may stop the arm       (alarms.py)

Everything made is in the ledger or the models folder under the hash of what determines it. Running the same loop
again over the same directory makes only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfplay.cluster.connection import Cluster
from selfplay.distill.trainer import Trainer
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.errors import LossNotFinite
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Arm
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Purpose
from selfplay.measure.measure import Drawn
from selfplay.models.folders import START, ModelState
from selfplay.run.alarms import Alarms
from selfplay.run.choosing import Chooser
from selfplay.run.directory import RunDirectory
from selfplay.run.progress import RunView
from selfplay.run.sampling import Sampler
from selfplay.run.scoring import Scorer
from selfplay.run.selection import Selector, TrainingSet, record_problems
from selfplay.run.starting_point import StartingPoint, plugin_code, verifier_versions
from selfplay.run.students import Students
from selfplay.tasks.problem import Problem


def run_experiment(run: RunDirectory, cluster: Cluster, view: RunView) -> None:
    """Run every seed of the experiment to its end, or until a `stop_when` ends the run.

    Raises SelfplayError: one sentence; what was made until then stays and is found by `--resume`.
    """
    experiment, ledger = run.experiment, Ledger(run.ledger_path)
    for sentence in ledger.open_for_writing():
        view.line(sentence)
    point = StartingPoint(run.path)
    point.same_problems(Curriculum(experiment, experiment.seeds[0]).digests())
    point.same_verifiers(verifier_versions(experiment))
    for sentence in point.changed_code(plugin_code(experiment)):
        view.line(sentence)
    trainer = Trainer(gpu=cluster.gpus > 0, method=experiment.distill.method, say=view.line)
    sampler = Sampler(experiment, cluster, ledger, trainer, say=view.line)
    try:
        for seed in experiment.seeds:
            if not SeedRun(run, seed, ledger, trainer, sampler, view).run():
                break
    finally:
        sampler.close()
        trainer.close()


class SeedRun:
    """The loop for one seed."""

    def __init__(
        self, run: RunDirectory, seed: int, ledger: Ledger, trainer: Trainer, sampler: Sampler, view: RunView
    ) -> None:
        self._experiment, self._seed, self._ledger, self._view = run.experiment, seed, ledger, view
        self._sampler = sampler
        self._curriculum = Curriculum(run.experiment, seed)
        self._held_out, self._validation = self._curriculum.held_out(), self._curriculum.validation()
        chooser = Chooser(run.experiment, ledger, seed, sampler.consult)
        self._selector = Selector(ledger, self._curriculum, seed, chooser)
        self._scorer = Scorer(run.experiment, ledger)
        self._students = Students(run, seed, ledger, trainer, self._scorer, view, make_room=sampler.release)
        self._alarms = Alarms(run.experiment, seed, ledger, self._curriculum.tasks)

    def run(self) -> bool:
        """Make every model of the seed; returns whether the run goes on, which a `stop_when` may forbid."""
        record_problems(self._ledger, [*self._held_out, *self._validation])
        initial = self._students.initial()
        generation_0 = self._generation_0(initial)
        return all(self._arm(arm, initial, generation_0) != "run" for arm in self._experiment.arms)

    def _arm(self, arm: Arm, initial: Path, generation_0: ModelState) -> str | None:
        """Every generation of an arm; returns what a `stop_when` stops: `arm`, `run` or None."""
        made = [generation_0]
        for generation in range(1, self._experiment.generations + 1):
            if self._must_follow(arm, generation):
                return "arm"
            self._view.place(self._seed, arm.name, generation)
            try:
                made.append(self._turn(arm, initial, self._writer(made), generation))
                said, stop = self._alarms.look(arm.name, generation)
            except LossNotFinite:
                said, stop = self._alarms.look_at_lost_training(arm.name, generation)
                if stop is None:
                    raise
            for sentence in said:
                self._view.line(sentence)
            if stop is not None:
                return stop
        return None

    def _turn(self, arm: Arm, initial: Path, writer: ModelState, generation: int) -> ModelState:
        """One generation of an arm: from the model that writes to the one that learns from it."""
        drawn = self._sample(writer, generation) if arm.uses_samples else []
        training_set = self._select(arm, writer, generation, drawn)
        model = self._distill(arm, initial, writer, training_set, generation)
        if drawn:
            self._scorer.score("samples", model, Drawn(self._ledger, drawn))
            accepted, cut = (self._scorer.value(model, measure) for measure in ("accepted_share", "truncated_share"))
            self._view.line(f"  of the samples {100 * accepted:.1f} % accepted, {100 * cut:.1f} % cut at max_tokens")
        self._evaluate(model)
        return model

    def _generation_0(self, initial: Path) -> ModelState:
        self._view.place(self._seed, START, 0)
        if self._experiment.model.trains_first:
            training_set = self._selector.worked_examples()
            self._selector.record(training_set, START, 0, {"data": "human"}, None)
            model = self._students.trained(initial, training_set, None, START, 0)
        else:
            model = self._students.as_given(initial, START)
        self._evaluate(model)
        return model

    def _must_follow(self, arm: Arm, generation: int) -> bool:
        """Whether the arm has to stop because an arm that its choice hangs on stopped before this generation."""
        stopped = next((other for other in arm.follows if not self._selector.has_chosen(other, generation)), None)
        if stopped is None:
            return False
        self._view.line(self._alarms.follow(arm.name, generation, stopped))
        return True

    def _writer(self, made: Sequence[ModelState]) -> ModelState:
        """The model that the next generation continues from: the last, or with `rollback` the best by validation."""
        if self._experiment.rollback is None:
            return made[-1]
        values = [self._scorer.value(model, "validation_accuracy") for model in made]
        best = max(range(len(made)), key=lambda number: (values[number], number))
        if best < len(made) - 1:
            self._view.line(
                f"  rolled back to generation {best}: validation accuracy {100 * values[best]:.1f} %, "
                f"after generation {len(made) - 1} {100 * values[-1]:.1f} %"
            )
        return made[best]

    def _sample(self, writer: ModelState, generation: int) -> list[str]:
        """Let a model write solutions for the generation's pool; returns the ids of all its samples."""
        section = self._experiment.sampling
        pool = list(self._curriculum.pool(generation))
        record_problems(self._ledger, pool)
        sampling = SamplingSettings(**section.model_dump(exclude={"n"}))
        return self._draw("train", writer, pool, sampling, section.n, "samples")

    def _select(self, arm: Arm, writer: ModelState, generation: int, drawn: Sequence[str]) -> TrainingSet:
        training_set = self._selector.select(arm, generation, drawn)
        place = {"seed": self._seed, "arm": writer.arm, "generation": writer.generation}
        previous = self._ledger.row("training_sets", **place)
        selection = arm.model_dump(mode="json")
        self._selector.record(training_set, arm.name, generation, selection, previous["id"] if previous else None)
        synthetic = sum(origin == "synthetic" for _, origin in training_set.members)
        shown = f", {synthetic:,} of {len(drawn):,} samples kept" if drawn else ""
        self._view.line(f"  training set: {len(training_set.members):,} rows{shown}")
        return training_set

    def _distill(
        self, arm: Arm, initial: Path, writer: ModelState, training_set: TrainingSet, generation: int
    ) -> ModelState:
        if not training_set.members:
            return self._students.kept(writer, training_set, arm.name, generation)
        if self._alarms.has_lost_training(arm.name, generation):
            raise LossNotFinite(f"The loss of {arm.name}, generation {generation}, was not finite.")
        start = initial if arm.start == "initial" else writer.folder
        return self._students.trained(start, training_set, writer, arm.name, generation)

    def _evaluate(self, model: ModelState) -> None:
        """Score a model on the held-out problems, and on those that choices are made on where there are any."""
        section = self._experiment.evaluate
        most = section.max_tokens or self._experiment.sampling.max_tokens
        sampling = SamplingSettings(temperature=section.temperature, max_tokens=most)
        drawn = self._draw("evaluate", model, self._held_out, sampling, 1, "held-out")
        self._scorer.score("held_out", model, Drawn(self._ledger, drawn))
        self._view.line(f"  held-out accuracy {100 * self._scorer.value(model, 'accuracy'):.1f} %")
        if self._validation:
            drawn = self._draw("validate", model, self._validation, sampling, 1, "validation")
            self._scorer.score("validation", model, Drawn(self._ledger, drawn))
        self._view.made()

    def _draw(
        self,
        purpose: Purpose,
        model: ModelState,
        problems: Sequence[Problem],
        sampling: SamplingSettings,
        n: int,
        label: str,
    ) -> list[str]:
        with self._view.step(label, len(problems) * n, "samples") as meter:
            return self._sampler.draw(purpose, model, problems, sampling, n, on_progress=meter.update)
