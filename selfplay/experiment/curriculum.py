"""Which problems a run uses, and where: worked examples, the pool of each generation, the held-out problems.

All arms of a seed share them. An endless source gives every generation new problems; the training split of a finite one
is dealt out in a seeded order, beginning again when it is used up.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice, zip_longest

from selfplay.errors import ConfigError
from selfplay.experiment.schema import Experiment, TaskSection
from selfplay.seeds import derive_seed, generator
from selfplay.tasks.drawn_problems import drawn, most_drawn
from selfplay.tasks.problem import Problem, Split, content_hash
from selfplay.tasks.registry import load_source
from selfplay.tasks.source import TaskSource

MOST_CHECKED = 20_000
"""Problems of an endless source that are made only to see that there are so many."""


class Curriculum:
    """The problems of one seed. Nothing is kept in memory but the sources."""

    def __init__(self, experiment: Experiment, seed: int) -> None:
        self._experiment = experiment
        self._seed = seed
        self._sources = [(task, load_source(task.source, task.settings)) for task in experiment.tasks]
        self.tasks = [source.name for _, source in self._sources]
        for number, (task, source) in enumerate(self._sources):
            if source.name in self.tasks[:number]:
                raise ConfigError(f"`tasks[{number}]` is the source `{source.name}` again; name each source once.")
            if source.endless and task.examples is None:
                raise ConfigError(
                    f"`tasks[{number}].examples` is missing; `{source.name}` has no end, so say how many."
                )

    def worked_examples(self) -> list[Problem]:
        """Problems with worked solutions, the same for every arm and generation."""
        found: list[Problem] = []
        for task, source in self._sources:
            examples = self._examples(task, source)
            if len(examples) < (task.examples or 0):
                raise ConfigError(
                    f"`{task.source}` has only {len(examples)} worked examples; lower its `examples` "
                    f"from {task.examples}."
                )
            found.extend(examples)
        return found

    def fresh_examples(self, generation: int, counts: dict[str, int]) -> list[Problem]:
        """Other worked examples for one generation, `counts` from each source.

        An endless source gives new ones; a finite one has them drawn again from its worked examples.
        """
        found: list[Problem] = []
        for task, source in self._sources:
            count = counts.get(source.name, 0)
            if source.endless:
                seed = derive_seed(self._seed, "fresh examples", generation, source.name)
                found.extend(islice((p for p in drawn(source, "train", seed) if p.solution is not None), count))
            else:
                examples = self._examples(task, source)
                shuffle = generator(self._seed, "fresh examples", generation, source.name)
                found.extend(shuffle.sample(examples, min(count, len(examples))))
        return found

    def pool(self, generation: int) -> Iterator[Problem]:
        """Problems that the model is given in a generation (1, 2, ...), the tasks in turn."""
        streams = [self._task_pool(task, source, generation) for task, source in self._sources]
        for problems in zip_longest(*streams):
            yield from (problem for problem in problems if problem is not None)

    def check(self) -> None:
        """Refuse what would fail after hours: too few worked examples, held-out problems or problems for the pools.

        Raises:
            ConfigError: names the key to change.
            selfplay.tasks.errors.SourceError: the data cannot be read, or a family has too few problems.
        """
        wanting = self._experiment.model.trains_first or any(a.data != "synthetic" for a in self._experiment.arms)
        if not self.worked_examples() and wanting:
            raise ConfigError("there are no worked examples to train on; raise `examples` of a task.")
        self.held_out()
        for task, source in self._sources:
            if self._experiment.generations and source.endless:
                needed = (task.examples or 0) + self._experiment.generations * task.problems
                _check_room(source, "train", needed, "its `examples` or `problems`")
                deque(islice(self._stream(source), min(needed, MOST_CHECKED)), maxlen=0)
            elif self._experiment.generations:
                self._task_pool(task, source, 1)

    def digests(self) -> dict[str, str]:
        """By source, a hash of its problems and their worked solutions in the order of this seed.

        A finite source is read whole; of an endless one, what comes before generation 2 and the held-out problems.
        """
        found = {}
        for number, (task, source) in enumerate(self._sources):
            train, evaluate = self._stream(source), self._evaluation_stream(source)
            if source.endless:
                train = islice(train, (task.examples or 0) + task.problems)
                evaluate = islice(evaluate, sum(self._evaluated(number)))
            total = hashlib.sha256()
            for problem in chain(train, evaluate):
                asked = (problem.split, problem.id, problem.verifier, problem.solution, problem.solution_origin)
                total.update(content_hash(*asked).encode())
            found[source.name] = total.hexdigest()[:16]
        return found

    def held_out(self) -> list[Problem]:
        """The evaluation problems, in equal parts from each task."""
        return self._evaluation_problems()[0]

    def validation(self) -> list[Problem]:
        """Problems of the evaluation split after those, for choices; no training and no test holds them."""
        return self._evaluation_problems()[1]

    def _evaluation_problems(self) -> tuple[list[Problem], list[Problem]]:
        test: list[Problem] = []
        validation: list[Problem] = []
        for number, (task, source) in enumerate(self._sources):
            for_test, for_validation = self._evaluated(number)
            wanted = for_test + for_validation
            _check_room(source, "evaluate", wanted, "`evaluate.problems`")
            problems = list(islice(self._evaluation_stream(source), wanted))
            if len(problems) < wanted:
                both = (" and `evaluate.validation`", " together") if for_validation else ("", "")
                raise ConfigError(
                    f"`{task.source}` has only {len(problems)} evaluation problems; lower `evaluate.problems`{both[0]} "
                    f"to {len(problems) * len(self._sources)} or less{both[1]}."
                )
            test += problems[:for_test]
            validation += problems[for_test:]
        return test, validation

    def _evaluated(self, number: int) -> tuple[int, int]:
        """How many problems of the task with this number are for the test, and for validation."""
        section, tasks = self._experiment.evaluate, len(self._sources)
        # equal parts; the first tasks have the rest
        test, validation = ((total + tasks - 1 - number) // tasks for total in (section.problems, section.validation))
        return test, validation

    def _stream(self, source: TaskSource) -> Iterator[Problem]:
        return drawn(source, "train", derive_seed(self._seed, "train", source.name))

    def _evaluation_stream(self, source: TaskSource) -> Iterator[Problem]:
        return drawn(source, "evaluate", derive_seed(self._seed, "held out", source.name))

    def _examples(self, task: TaskSection, source: TaskSource) -> list[Problem]:
        return list(islice((one for one in self._stream(source) if one.solution is not None), task.examples))

    def _task_pool(self, task: TaskSection, source: TaskSource, generation: int) -> Iterator[Problem]:
        begin = (generation - 1) * task.problems
        if source.endless:
            begin += task.examples or 0
            return islice(self._stream(source), begin, begin + task.problems)
        everything = list(self._stream(source))
        if task.problems > len(everything):
            raise ConfigError(
                f"`{task.source}` has {len(everything)} training problems; lower its `problems` from {task.problems}."
            )
        return (everything[place % len(everything)] for place in range(begin, begin + task.problems))


def _check_room(source: TaskSource, split: Split, wanted: int, keys: str) -> None:
    """Refuse at once what a family is known not to have; to find out by making its problems takes long."""
    most = most_drawn(source, split)
    if most is not None and wanted > most:
        raise ConfigError(
            f"`{source.name}` has fewer than {most + 1:,} problems for the split `{split}` with these settings, and "
            f"{wanted:,} are asked for; lower {keys}, or raise the source's sizes."
        )
