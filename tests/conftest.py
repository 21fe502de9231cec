"""How the tests are spread over processes, the Ray cluster that they share, and `SELFPLAY_LONG=1` (`make test-long`),
which asks for every example.

A process starts the file that takes longest of those that are left, so that none is busy alone at the end; files that
share one Ray cluster go to one process. Many tests wait (for a limit to pass, a process to start), so there are more
processes than cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selfplay.cluster.connection import Cluster  # imports Ray

LONG = bool(os.environ.get("SELFPLAY_LONG"))

ON_ONE_CLUSTER = (
    "selfplay/ledger/test_digest.py",
    "selfplay/ledger/test_lineage.py",
    "selfplay/report/test_family_figure.py",
    "selfplay/run/test_loop.py",
    "selfplay/run/test_alarms.py",
    "selfplay/run/test_filters_in_a_run.py",
    "selfplay/run/test_starting_point.py",
    "selfplay/run/test_judging.py",
    "selfplay/engines/test_log_tail.py",
    "selfplay/distill/test_trainer.py",
    "selfplay/experiment/test_gsm8k_experiment.py",
    "selfplay/cli/test_plugin_verbs.py",
)
LONGEST_FIRST = (
    *ON_ONE_CLUSTER,
    "selfplay/run/test_kills.py",
    "verifiers/code/test_attacks.py",
    "selfplay/engines/test_vllm_engine.py",
    "selfplay/engines/test_server_engine.py",
    "verifiers/audit/test_audit.py",
    "selfplay/cli/test_run_command.py",
    "selfplay/cli/test_bad_input.py",
    "selfplay/cli/test_dry_run.py",
    "selfplay/cli/test_signals.py",
    "verifiers/workers/test_supervisor.py",
    "tasks/test_reasoning_gym.py",
    "verifiers/adapters/test_stacks.py",
    "selfplay/doctor/test_doctor.py",
    "selfplay/cli/test_every_verb.py",
    "selfplay/cluster/test_same_code.py",
    "verifiers/adapters/test_trl.py",
    "tasks/test_first_import.py",
    "verifiers/workers/test_batch_form.py",
    "tasks/test_families.py",
    "selfplay/experiment/test_task_check.py",
    "verifiers/answers/test_model_judge.py",
    "verifiers/sandbox/test_bounds.py",
    "verifiers/serve/test_service.py",
    "verifiers/code/test_forms.py",
    "selfplay/report/test_report_page.py",
    "selfplay/cluster/test_connection.py",
)
TESTS = Path(__file__).resolve().parent
_connected: list[Cluster] = []
"""This process's Ray cluster, from the first test that needs it to the last of `ON_ONE_CLUSTER`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {TESTS / name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file goes to one process, and the files on one cluster go as if they were one; in the order of collection."""
    from xdist.scheduler import LoadFileScheduling

    class InOrder(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "one cluster" if file.removeprefix("tests/") in ON_ONE_CLUSTER else file

    config.option.loadscopereorder = False
    return InOrder(config, log)


@pytest.fixture(scope="session")
def connect() -> Callable[[], Cluster]:
    """connect(): the shared local cluster, started where there is none."""

    def connected() -> Cluster:
        from selfplay.cluster.connection import Cluster

        if not _connected:
            _connected.append(Cluster().__enter__())
        return _connected[0]

    return connected


@pytest.fixture
def cluster(connect: Callable[[], Cluster]) -> Cluster:
    return connect()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """End the cluster before a test that is not of those files: some count this process's children."""
    yield
    if _connected and (nextitem is None or nextitem.path not in {TESTS / name for name in ON_ONE_CLUSTER}):
        _connected.pop().__exit__(None, None, None)
