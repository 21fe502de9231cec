"""The models of one seed: the weights that trainings start from, the training of each, and its row in the ledger.

A model is trained once. One that is in the ledger, or whose weights wrote samples that are, is found again by its
fingerprint; weights that were edited or lost since stop the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from selfplay.distill.method import RESULT_FILE, TrainingJob, TrainingResult
from selfplay.distill.trainer import Trainer
from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import as_json, step_row
from selfplay.measure.measure import Trained
from selfplay.models import folders
from selfplay.models.folders import INITIAL, ModelState
from selfplay.run.directory import RunDirectory
from selfplay.run.progress import RunView
from selfplay.run.scoring import Scorer
from selfplay.run.selection import TrainingSet
from selfplay.run.starting_point import StartingPoint
from selfplay.seeds import derive_seed
from selfplay.tasks.plugins import absolute


class Students:
    """Makes and finds the models of one seed."""

    def __init__(
        self,
        run: RunDirectory,
        seed: int,
        ledger: Ledger,
        trainer: Trainer,
        scorer: Scorer,
        view: RunView,
        *,
        make_room: Callable[[], None],
    ) -> None:
        """`make_room` is called before a training, which may need the GPUs that engines hold."""
        self._make_room = make_room
        self._run, self._seed, self._ledger, self._trainer = run, seed, ledger, trainer
        self._scorer, self._view = scorer, view
        self._experiment = run.experiment

    def initial(self) -> Path:
        """The folder of the weights that trainings start from: made from the config, or the one it names.

        Raises:
            ModelError: it cannot be found or loaded.
            RunError: it holds other weights than when the run began.
        """
        section = self._experiment.model
        point = StartingPoint(self._run.path)
        if section.init is None:
            assert section.path is not None
            folder = folders.resolve(section.path, section.revision, with_code=section.trust_remote_code)
            folders.check_folder(folder)
            point.same_weights(section.path, folders.fingerprint(folder))
            return folder
        name = f"models/{self._seed}/{INITIAL}"
        folder = self._run.path / name
        if not folder.exists():
            folders.create(section.init, folder, derive_seed(self._seed, "initial weights"))
        point.same_weights(name, folders.fingerprint(folder))
        return folder

    def as_given(self, initial: Path, arm: str) -> ModelState:
        """Generation 0 where nothing is trained for it: the initial weights as they are."""
        model = self._state(initial, arm, 0)
        self._record(model, None, None, None, "as given")
        return model

    def kept(self, previous: ModelState, training_set: TrainingSet, arm: str, generation: int) -> ModelState:
        """The model of an arm that has nothing new to learn from: the one before, and the record says so."""
        model = ModelState(previous.fingerprint, previous.folder, self._seed, arm, generation)
        self._record(model, previous, training_set, previous, "kept: it chose none of its new samples")
        return model

    def trained(
        self, start: Path, training_set: TrainingSet, previous: ModelState | None, arm: str, generation: int
    ) -> ModelState:
        """Train a model from the weights in `start`, or find the one that was trained.

        `previous` is the model that wrote its samples; None for generation 0.

        Raises:
            TrainingError: the training failed; LossNotFinite: its loss was not finite.
            RunError: the weights of a recorded model are lost or edited.
        """
        target = self._run.model_folder(self._seed, arm, generation)
        if not self._is_there(arm, generation):
            self._train(start, training_set, target, arm, generation)
        model = self._state(target, arm, generation)
        continues = previous if previous is not None and start == previous.folder else None
        self._record(model, previous, training_set, continues, "trained")
        self._score_training(model)
        return model

    def _train(self, start: Path, training_set: TrainingSet, target: Path, arm: str, generation: int) -> None:
        self._make_room()
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
        settings, section = self._experiment.distill, self._experiment.model
        job = TrainingJob(
            start=start.resolve(),
            rows=rows.resolve(),
            target=target.resolve(),
            settings=settings.model_copy(update={"method": absolute(settings.method)}),
            chat=section.chat,
            seed=derive_seed(self._seed, "distill", generation),
            trust_remote_code=section.trust_remote_code,
        )
        with self._view.step("training", settings.steps, "steps") as meter:
            result = self._trainer.train(job, lambda step, loss: meter.update(step, _shown(loss)))
        rows.unlink()
        cut = f"; {result.too_long} rows were too long and left out" if result.too_long else ""
        self._view.line(f"  loss {result.loss:.3f} over {result.rows:,} rows{cut}")
        model = ModelState("", target, self._seed, arm, generation)
        detail = result.model_dump(mode="json", exclude={"seconds"})
        self._ledger.record("steps", [step_row(model, "distill", result.seconds, result.steps, detail)])

    def _score_training(self, model: ModelState) -> None:
        """Score the training from the note beside the weights, which is there as soon as they are."""
        if self._scorer.has(model, "train_loss"):
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
        self._scorer.score("training", model, Trained(result.loss, result.rows))

    def _state(self, folder: Path, arm: str, generation: int) -> ModelState:
        return ModelState(folders.fingerprint(folder), folder, self._seed, arm, generation)

    def _is_there(self, arm: str, generation: int) -> bool:
        """Whether the model was trained: it is recorded, or only its row is lost and its weights wrote samples."""
        recorded = self._ledger.row("models", seed=self._seed, arm=arm, generation=generation)
        if recorded is None:
            folder = self._run.model_folder(self._seed, arm, generation)
            wrote = folder.is_dir() and self._ledger.which_exist("samples", "model", [folders.fingerprint(folder)])
            return bool(wrote)
        fingerprint, folder = recorded["fingerprint"], self._run.path / recorded["path"]
        what = "are missing" if not folder.is_dir() else "are not those that the ledger recorded"
        if not folder.is_dir() or folders.fingerprint(folder) != fingerprint:
            raise RunError(f"The weights in {folder} {what} ({fingerprint}); restore the folder, or start a new run.")
        return True

    def _record(
        self,
        model: ModelState,
        parent: ModelState | None,
        training_set: TrainingSet | None,
        inherits: ModelState | None,
        outcome: str,
    ) -> None:
        trained_on = training_set.id if training_set and training_set.members else None
        depth, depth_mean = depth_of_model(self._ledger, trained_on, inherits.fingerprint if inherits else None)
        inside = model.folder.is_relative_to(self._run.path)
        row: dict[str, Any] = {
            "fingerprint": model.fingerprint,
            "path": str(model.folder.relative_to(self._run.path)) if inside else str(self._experiment.model.path),
            "parent": parent.fingerprint if parent else None,
            "training_set_id": training_set.id if training_set else None,
            "distill": as_json(self._experiment.distill.model_dump(mode="json")) if training_set else None,
            "parameters": folders.parameter_count(model.folder),
        }
        row |= {"seed": self._seed, "arm": model.arm, "generation": model.generation}
        row |= {"outcome": outcome, "depth": depth, "depth_mean": depth_mean}
        self._ledger.record("models", [row])


def _shown(loss: float) -> str:
    return "" if math.isnan(loss) else f"loss {loss:.3f}"


def depth_of_model(ledger: Ledger, training_set_id: str | None, inherits: str | None) -> tuple[int, float]:
    """(generational depth, mean depth) of a model: how many synthetic ancestors the data behind its weights has.

    Args:
        training_set_id: the set that the model was trained on; none for a model as given or kept.
        inherits: fingerprint of the model whose weights this one went on from or kept. Its ancestors count towards
            `depth`, and towards `depth_mean` only where nothing was trained: nothing says what is left in weights.
    """
    depth, mean = 0, 0.0
    if inherits is not None:
        sql = "SELECT max(depth), max(depth_mean) FROM models WHERE fingerprint = ?"
        depth, mean = ledger.rows(sql, [inherits])[0]
    if training_set_id is not None:
        sql = """SELECT max(d.depth), sum(m.weight * d.depth_mean) / sum(m.weight)
                 FROM members m JOIN depths d ON d.sample_id = m.sample_id WHERE m.training_set_id = ?"""
        of_data, mean = ledger.rows(sql, [training_set_id])[0]
        depth = max(depth, of_data)
    return depth, mean
