"""The algorithm, top to bottom:

    for each seed:
        initial weights  ->  generation 0, evaluated
        for each arm:
            model = generation 0
            for each generation:
                samples      = the model writes n completions for every problem of the pool     (sampling.py)
                verdicts     = the verifiers judge them                                          (judging.py)
                training set = what this arm keeps of them, with worked examples       (selection.py, filters/)
                model        = train the initial weights (or the last model) on it               (distill/)
                scores       = the model's accuracy on held-out problems                         (measure/)
                alarms       = the conditions that these scores meet; one may stop the arm       (alarms.py)

Everything made is in the ledger or the models folder under the hash of what determines it. Running the same loop
again over the same directory makes only what is missing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from selfplay.cluster.connection import Cluster
from selfplay.distill.job import RESULT_FILE, TrainingJob, TrainingResult
from selfplay.distill.trainer import Trainer
from selfplay.engines.settings import SamplingSettings
from selfplay.errors import LossNotFinite, RunError
from selfplay.experiment.problems import Curriculum
from selfplay.experiment.schema import INITIAL, START, Arm, Experiment
from selfplay.ledger.depth import depth_of_model
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Purpose, as_json
from selfplay.measure.accuracy import ALL_TASKS, accuracy, score_row
from selfplay.measure.samples import sample_measures
from selfplay.models import folders as models
from selfplay.models.state import ModelState
from selfplay.run.alarms import Alarms
from selfplay.run.choosing import Chooser
from selfplay.run.directory import RunDirectory
from selfplay.run.plugin_code import plugin_code, verifier_versions
from selfplay.run.progress import RunView
from selfplay.run.sampling import Sampler
from selfplay.run.selection import Selector, TrainingSet, record_problems
from selfplay.run.starting_point import StartingPoint
from selfplay.seeds import derive_seed
from selfplay.tasks.problem import Problem


def run_experiment(run: RunDirectory, cluster: Cluster, view: RunView) -> None:
    """Run every seed of the experiment to its end, or until a `stop_when` ends the run.

    Raises:
        SelfplayError: one sentence; what was made until then stays and is found by `--resume`.
    """
    ledger = Ledger(run.ledger_path)
    for sentence in ledger.open_for_writing():
        view.line(sentence)
    point = StartingPoint(run.path)
    point.same_problems(Curriculum(run.experiment, run.experiment.seeds[0]).digests())
    point.same_verifiers(verifier_versions(run.experiment))
    for sentence in point.changed_code(plugin_code(run.experiment)):
        view.line(sentence)
    trainer = Trainer(gpu=cluster.gpus > 0, say=view.line)
    sampler = Sampler(run.experiment, cluster, ledger, trainer, say=view.line)
    try:
        for seed in run.experiment.seeds:
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
        self._run, self._seed, self._ledger, self._view = run, seed, ledger, view
        self._trainer, self._sampler = trainer, sampler
        self._experiment: Experiment = run.experiment
        self._curriculum = Curriculum(run.experiment, seed)
        chooser = Chooser(run.experiment, ledger, seed, sampler.consult)
        self._selector = Selector(ledger, self._curriculum, seed, chooser)
        self._held_out = self._curriculum.held_out()
        self._validation = self._curriculum.validation()
        self._alarms = Alarms(run.experiment, seed, ledger, self._curriculum.tasks)

    def run(self) -> bool:
        """Make every model of the seed; returns whether the run goes on, which a `stop_when` may forbid."""
        record_problems(self._ledger, [*self._held_out, *self._validation])
        initial = self._initial_weights()
        generation_0 = self._generation_0(initial)
        for arm in self._experiment.arms:
            made = [generation_0]
            for generation in range(1, self._experiment.generations + 1):
                if self._must_follow(arm, generation):
                    break
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
                if stop == "run":
                    return False
                if stop == "arm":
                    break
        return True

    def _turn(self, arm: Arm, initial: Path, model: ModelState, generation: int) -> ModelState:
        """One generation of an arm: from the model that writes to the one that learns from it."""
        drawn = self._sample(model, generation) if arm.uses_samples else []
        training_set = self._select(arm, model, generation, drawn)
        start = initial if arm.start == "initial" else model.folder
        model = self._distill(start, training_set, model, arm.name, generation)
        self._measure_samples(model, drawn)
        self._evaluate(model)
        self._view.made()
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
        values = [self._score(model, "validation_accuracy") for model in made]
        best = max(range(len(made)), key=lambda number: (values[number], number))
        if best < len(made) - 1:
            self._view.line(
                f"  rolled back to generation {best}: validation accuracy {100 * values[best]:.1f} %, "
                f"after generation {len(made) - 1} {100 * values[-1]:.1f} %"
            )
        return made[best]

    def _initial_weights(self) -> Path:
        """The folder that trainings start from: made from the config, or the one it names."""
        section = self._experiment.model
        if section.init is None:
            assert section.path is not None
            folder = models.resolve(section.path, section.revision, with_code=section.trust_remote_code)
            models.check_folder(folder)
            StartingPoint(self._run.path).same_weights(section.path, models.fingerprint(folder))
            return folder
        name = f"models/{self._seed}/{INITIAL}"
        folder = self._run.path / name
        if not folder.exists():
            models.create(section.init, folder, derive_seed(self._seed, "initial weights"))
        StartingPoint(self._run.path).same_weights(name, models.fingerprint(folder))
        return folder

    def _generation_0(self, initial: Path) -> ModelState:
        self._view.place(self._seed, START, 0)
        if self._experiment.model.trains_first:
            training_set = self._selector.worked_examples()
            self._selector.record(training_set, START, 0, {"data": "human"}, None)
            model = self._distill(initial, training_set, None, START, 0)
        else:
            model = self._state(initial, START, 0)
            self._record_model(model, None, None, None, "as given")
        self._evaluate(model)
        self._view.made()
        return model

    def _sample(self, model: ModelState, generation: int) -> list[str]:
        """Let the model write solutions for the generation's pool; returns the ids of all its samples."""
        section = self._experiment.sampling
        sampling = SamplingSettings(**section.model_dump(exclude={"n"}))
        pool = list(self._curriculum.pool(generation))
        record_problems(self._ledger, pool)
        return self._draw("train", model, pool, sampling, section.n, "samples")

    def _evaluate(self, model: ModelState) -> None:
        section = self._experiment.evaluate
        sampling = SamplingSettings(
            temperature=section.temperature,
            max_tokens=section.max_tokens or self._experiment.sampling.max_tokens,
        )
        drawn = self._draw("evaluate", model, self._held_out, sampling, 1, "held-out")
        self._record_scores(accuracy(self._ledger, model, drawn))
        self._view.line(f"  held-out accuracy {100 * self._score(model, 'accuracy'):.1f} %")
        if self._validation:
            drawn = self._draw("validate", model, self._validation, sampling, 1, "validation")
            self._record_scores(accuracy(self._ledger, model, drawn, "validation_accuracy"))

    def _draw(
        self,
        purpose: Purpose,
        model: ModelState,
        problems: Sequence[Problem],
        sampling: SamplingSettings,
        n: int,
        label: str,
    ) -> list[str]:
        began, before = time.monotonic(), self._written_by(model, purpose)
        with self._view.step(label, len(problems) * n, "samples") as meter:
            ids = self._sampler.draw(purpose, model, problems, sampling, n, on_progress=meter.update)
        written = self._written_by(model, purpose) - before
        if written:
            seconds, detail = time.monotonic() - began, {"engine": self._sampler.engine_kind}
            self._record_step(model, f"sample and verify ({purpose})", seconds, written, detail)
        return ids

    def _written_by(self, model: ModelState, purpose: Purpose) -> int:
        sql = "SELECT count(*) FROM samples WHERE model = ? AND purpose = ?"
        return int(self._ledger.rows(sql, [model.fingerprint, purpose])[0][0])

    def _select(self, arm: Arm, model: ModelState, generation: int, drawn: Sequence[str]) -> TrainingSet:
        training_set = self._selector.select(arm, generation, drawn)
        sql = "SELECT id FROM training_sets WHERE seed = ? AND arm = ? AND generation = ?"
        previous = self._ledger.rows(sql, [self._seed, model.arm, model.generation])
        self._selector.record(
            training_set,
            arm.name,
            generation,
            arm.model_dump(mode="json"),
            previous[0][0] if previous else None,
        )
        synthetic = sum(origin == "synthetic" for _, origin in training_set.members)
        shown = f", {synthetic:,} of {len(drawn):,} samples kept" if drawn else ""
        self._view.line(f"  training set: {len(training_set.members):,} rows{shown}")
        return training_set

    def _distill(
        self, start: Path, training_set: TrainingSet, previous: ModelState | None, arm: str, generation: int
    ) -> ModelState:
        target = self._run.model_folder(self._seed, arm, generation)
        if not training_set.members:
            # Nothing new to learn from: the arm keeps its model, and the record says so.
            assert previous is not None, "the experiment was checked to have worked examples"
            model = ModelState(previous.fingerprint, previous.folder, self._seed, arm, generation)
            self._record_model(model, previous, training_set, previous, "kept: it chose none of its new samples")
            return model
        if not self._is_recorded(arm, generation):
            if self._alarms.has_lost_training(arm, generation):
                raise LossNotFinite(f"The loss of {arm}, generation {generation}, was not finite.")
            self._train(start, training_set, target, arm, generation)
        model = self._state(target, arm, generation)
        continues = previous if previous is not None and start == previous.folder else None
        self._record_model(model, previous, training_set, continues, "trained")
        self._measure_training(model)
        return model

    def _train(self, start: Path, training_set: TrainingSet, target: Path, arm: str, generation: int) -> None:
        self._sampler.release()
        target.parent.mkdir(parents=True, exist_ok=True)
        rows = target.parent / f"generation-{generation}.rows.parquet"
        sql = """
            SELECT p.prompt, s.completion FROM members m
            JOIN samples s ON s.id = m.sample_id JOIN problems p ON p.id = s.problem_id
            WHERE m.training_set_id = ? ORDER BY s.id
        """
        written = self._ledger.write_parquet(sql, [training_set.id], rows)
        if written != len(training_set.members):
            raise RunError(f"The ledger gave {written} of the training set's {len(training_set.members)} rows.")
        job = TrainingJob(
            start=start.resolve(),
            rows=rows.resolve(),
            target=target.resolve(),
            settings=self._experiment.distill,
            chat=self._experiment.model.chat,
            seed=derive_seed(self._seed, "distill", generation),
            trust_remote_code=self._experiment.model.trust_remote_code,
        )
        with self._view.step("training", self._experiment.distill.steps, "steps") as meter:
            result = self._trainer.train(job, lambda step, loss: meter.update(step, _shown(loss)))
        rows.unlink()
        self._note_training(result)
        model = ModelState("", target, self._seed, arm, generation)
        detail = result.model_dump(mode="json", exclude={"seconds"})
        self._record_step(model, "distill", result.seconds, result.steps, detail)

    def _note_training(self, result: TrainingResult) -> None:
        cut = f"; {result.too_long} rows were too long and left out" if result.too_long else ""
        self._view.line(f"  loss {result.loss:.3f} over {result.rows:,} rows{cut}")

    def _measure_samples(self, model: ModelState, drawn: list[str]) -> None:
        if drawn:
            self._record_scores(sample_measures(self._ledger, model, drawn))
            accepted, cut = (self._score(model, measure) for measure in ("accepted_share", "truncated_share"))
            self._view.line(f"  of the samples {100 * accepted:.1f} % accepted, {100 * cut:.1f} % cut at max_tokens")

    def _measure_training(self, model: ModelState) -> None:
        """Score the loss from the note beside the weights, which is there as soon as they are.

        Raises:
            RunError: the ledger has no loss, and the note is lost too.
        """
        sql = "SELECT count(*) FROM scores WHERE seed = ? AND arm = ? AND generation = ? AND measure = 'train_loss'"
        if self._ledger.rows(sql, [self._seed, model.arm, model.generation])[0][0]:
            return
        note = model.folder / RESULT_FILE
        try:
            result = TrainingResult.model_validate_json(note.read_bytes())
        except (OSError, ValidationError) as error:
            what = "is not there" if isinstance(error, FileNotFoundError) else "cannot be read"
            raise RunError(
                f"{note} {what}, and the ledger does not hold the training's loss either; restore the file, or start a "
                "new run."
            ) from None
        self._record_scores([score_row(model, ALL_TASKS, "train_loss", result.loss, None, None, result.rows)])

    def _state(self, folder: Path, arm: str, generation: int) -> ModelState:
        return ModelState(models.fingerprint(folder), folder, self._seed, arm, generation)

    def _is_recorded(self, arm: str, generation: int) -> bool:
        sql = "SELECT fingerprint, path FROM models WHERE seed = ? AND arm = ? AND generation = ?"
        found = self._ledger.rows(sql, [self._seed, arm, generation])
        if not found:
            return self._has_written(self._run.model_folder(self._seed, arm, generation))
        fingerprint, path = found[0]
        folder = self._run.path / path
        what = "are missing" if not folder.is_dir() else "are not those that the ledger recorded"
        if not folder.is_dir() or models.fingerprint(folder) != fingerprint:
            raise RunError(f"The weights in {folder} {what} ({fingerprint}); restore the folder, or start a new run.")
        return True

    def _has_written(self, folder: Path) -> bool:
        """Whether the weights in the folder wrote samples of this run: then only their row is lost, not the model."""
        if not folder.is_dir():
            return False
        return bool(self._ledger.which_exist("samples", "model", [models.fingerprint(folder)]))

    def _record_model(
        self,
        model: ModelState,
        parent: ModelState | None,
        training_set: TrainingSet | None,
        inherits: ModelState | None,
        outcome: str,
    ) -> None:
        sql = "SELECT count(*) FROM models WHERE seed = ? AND arm = ? AND generation = ?"
        if self._ledger.rows(sql, [self._seed, model.arm, model.generation])[0][0]:
            return
        trained_on = training_set.id if training_set and training_set.members else None
        depth, depth_mean = depth_of_model(self._ledger, trained_on, inherits.fingerprint if inherits else None)
        inside = model.folder.is_relative_to(self._run.path)
        row = {
            "fingerprint": model.fingerprint,
            "path": str(model.folder.relative_to(self._run.path)) if inside else str(self._experiment.model.path),
            "parent": parent.fingerprint if parent else None,
            "training_set_id": training_set.id if training_set else None,
            "distill": as_json(self._experiment.distill.model_dump(mode="json")) if training_set else None,
            "seed": self._seed,
            "arm": model.arm,
            "generation": model.generation,
            "parameters": models.parameter_count(model.folder),
            "outcome": outcome,
            "depth": depth,
            "depth_mean": depth_mean,
        }
        self._ledger.append("models", [row])

    def _score(self, model: ModelState, measure: str) -> float:
        sql = """SELECT value FROM scores
                 WHERE seed = ? AND arm = ? AND generation = ? AND measure = ? AND task = ?"""
        key = [self._seed, model.arm, model.generation, measure, ALL_TASKS]
        return float(self._ledger.rows(sql, key)[0][0])

    def _record_scores(self, scores: list[dict[str, Any]]) -> None:
        new = []
        for score in scores:
            sql = """SELECT count(*) FROM scores
                     WHERE seed = ? AND arm = ? AND generation = ? AND task = ? AND measure = ?"""
            key = [score["seed"], score["arm"], score["generation"], score["task"], score["measure"]]
            if not self._ledger.rows(sql, key)[0][0]:
                new.append(score)
        self._ledger.append("scores", new)

    def _record_step(self, model: ModelState, step: str, seconds: float, count: int, detail: dict[str, Any]) -> None:
        """Note the time of a step, once: a step that is done again after a crash keeps its first row."""
        sql = "SELECT count(*) FROM steps WHERE seed = ? AND arm = ? AND generation = ? AND step = ?"
        if self._ledger.rows(sql, [self._seed, model.arm, model.generation, step])[0][0]:
            return
        row = {
            "seed": self._seed,
            "arm": model.arm,
            "generation": model.generation,
            "step": step,
            "seconds": seconds,
            "count": count,
            "detail": as_json(detail),
        }
        self._ledger.append("steps", [row])


def _shown(loss: float) -> str:
    return "" if math.isnan(loss) else f"loss {loss:.3f}"
