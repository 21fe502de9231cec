"""verl, PrimeIntellect's `verifiers` and lm-evaluation-harness themselves, each in an environment of its own.

They take minutes to install and import, and pin their own versions of much, so they run on request:

    SELFPLAY_ADAPTERS=1 .venv/bin/python -m pytest tests/verifiers/adapters/test_stacks.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.models.folders import ModelInit, create
from selfplay.verifiers.adapters import prime
from tests.verifiers.conftest import Serve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("SELFPLAY_ADAPTERS"), reason="set SELFPLAY_ADAPTERS=1 to install and run the other stacks"
    ),
]
Environment = Callable[..., Path]

PRIME = """
import asyncio, json, sys
import verifiers.v1 as vf
from verifiers.v1.graph import MessageNode
from verifiers.v1.trace import AgentInfo, Trace, TraceTask
from selfplay_reward import reward_function

right = reward_function("first_letter", url=sys.argv[1], reference={"upto": "last"}, patience=60)
scored = reward_function("first_letter", url=sys.argv[1], reference={"upto": "last"}, reward="score")
absent = reward_function("no_such", url=sys.argv[1], reference={"upto": "last"})


class Data(vf.TaskData):
    last: str


class Letters(vf.Task[Data]):
    @vf.reward
    async def right(self, task, trace) -> float:
        return await right(task, trace)

    @vf.reward(weight=2.0)
    async def scored(self, task, trace) -> float:
        return await scored(task, trace)


class Absent(vf.Task[Data]):
    @vf.reward
    async def absent(self, task, trace) -> float:
        return await absent(task, trace)


def judged(kind, text):
    data = Data(idx=1, prompt="a name?", last="M")
    said = MessageNode(parent=0, message=vf.AssistantMessage(content=text), sampled=True)
    nodes = [MessageNode(message=vf.UserMessage(content="a name?")), said]
    agent = AgentInfo(config=vf.AgentConfig(model="none"))
    trace = Trace(task=TraceTask(type=kind.__name__, data=data), agent=agent, nodes=nodes)
    try:
        asyncio.run(kind(data).score(trace))
    except vf.TaskError as error:
        return str(error), {name: reward and reward.value for name, reward in trace.rewards.items()}
    return trace.reward, {name: reward.value for name, reward in trace.rewards.items()}


print(json.dumps([judged(Letters, "Ann"), judged(Letters, "Zoe"), judged(Letters, "ann"), judged(Absent, "Ann")]))
"""

LM_EVAL_TASK = """
task: letters
dataset_path: json
dataset_kwargs: {data_files: {test: ROWS}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{last}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 4, do_sample: false}
process_results: !function judge.process_results
metric_list:
  - {metric: accepted, aggregation: mean, higher_is_better: true}
  - {metric: accepted_or_undecided, aggregation: mean, higher_is_better: true}
  - {metric: fault, aggregation: mean, higher_is_better: false}
"""

LM_EVAL = """
import json, sys
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

tasks = TaskManager(include_path=".", include_defaults=False)
found = simple_evaluate("hf", model_args={"pretrained": sys.argv[1]}, device="cpu", batch_size=8, tasks=["letters"],
                        task_manager=tasks, bootstrap_iters=0, log_samples=True)
samples = [sample["filtered_resps"][0] for sample in found["samples"]["letters"]]
print(json.dumps({"samples": samples, "results": found["results"]["letters"]}))
"""

VERL = """
import asyncio, json, sys
import numpy as np, torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.reward import get_custom_reward_fn

named = {"path": "reward.py", "name": "compute_score", "reward_kwargs": {}}
compute_score = get_custom_reward_fn(OmegaConf.create({"reward": {"custom_reward_function": named}}))
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])


async def judged(text):
    ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
    manager = NaiveRewardManager(OmegaConf.create({}), tokenizer, compute_score)
    other = {"data_source": "letters", "reward_model": {"ground_truth": "M"}, "extra_info": {"index": 1}}
    data = DataProto.from_dict(
        tensors={"responses": ids, "attention_mask": torch.ones_like(ids)},
        non_tensors={key: np.array([value], dtype=object) for key, value in other.items()},
    )
    return await manager.run_single(data)


async def main():
    return [await judged(text) for text in ("Ann", "Zoe", "ann")]


print(json.dumps(asyncio.run(main())))
"""


def last_line(python: Path, program: str, folder: Path, *arguments: object) -> Any:
    (folder / "program.py").write_text(program)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    command = [str(python), "program.py", *map(str, arguments)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=500)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_prime_intellects_verifiers(serve: Serve, first_letter: str, environment: Environment, tmp_path: Path) -> None:
    python = environment("verifiers==0.4.0", over_ours=False)
    shutil.copy(prime.__file__, tmp_path / "selfplay_reward.py")
    with serve("--verifier", first_letter) as service:
        right, wrong, undecided, refused = last_line(python, PRIME, tmp_path, service.address)
    assert right == [1.5, {"right": 1.0, "scored": 0.5}]
    assert wrong == [0.5, {"right": 0.0, "scored": 0.5}]
    assert "Undecided: first_letter: open" in undecided[0]
    assert undecided[1] == {"right": None, "scored": None}
    assert "answered 404" in refused[0]
    assert "`verifier` is one of first_letter" in refused[0]


def test_lm_evaluation_harness(first_letter: str, environment: Environment, tmp_path: Path) -> None:
    model = create(ModelInit(hidden_size=32, layers=1, heads=1, context=64), tmp_path / "model", seed=0)
    python = environment("lm_eval==0.4.13", over_ours=True)
    (tmp_path / "judge.py").write_text(
        "from selfplay.verifiers.adapters.lm_eval import process_results_with\n\n"
        f"process_results = process_results_with({first_letter!r}, reference={{'upto': 'last'}})\n"
    )
    # from its random weights the model says the last character again
    rows = [{"question": f"{n} {letter}", "last": "M"} for n, letter in enumerate("AZa" * 8)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "letters.yaml").write_text(LM_EVAL_TASK.replace("ROWS", str(tmp_path / "rows.jsonl")))
    found = last_line(python, LM_EVAL, tmp_path, model)
    texts = found["samples"]
    assert len(texts) == 24
    accepted = [bool(text) and not text[0].islower() and text[0] <= "M" for text in texts]
    undecided = [not text or text[0].islower() for text in texts]
    assert sum(accepted) + sum(undecided) > 0
    results = found["results"]
    assert results["accepted,none"] == pytest.approx(sum(accepted) / 24)
    assert results["accepted_or_undecided,none"] == pytest.approx((sum(accepted) + sum(undecided)) / 24)
    assert results["fault,none"] == 0


def test_verl_loads_and_calls_it(first_letter: str, environment: Environment, tmp_path: Path) -> None:
    # verl asks for older transformers than ours; what its reward loop needs runs with ours
    needed = ["tensordict<=0.10", "pyvers", "hydra-core", "omegaconf", "antlr4-python3-runtime==4.9.3", "codetiming"]
    more = ["torchdata", "pylatexenc", "dill", "cloudpickle", "orjson", "importlib_metadata", "zipp"]
    python = environment("--no-deps", "verl==0.9.1", *needed, *more, over_ours=True)
    model = create(ModelInit(hidden_size=32, layers=1, heads=1, context=64), tmp_path / "model", seed=0)
    (tmp_path / "reward.py").write_text(
        "from selfplay.verifiers.adapters.verl import score_function\n\n"
        f"compute_score = score_function({first_letter!r}, reference_key='upto', undecided=0.5)\n"
    )
    found = last_line(python, VERL, tmp_path, model)
    assert [one["reward_score"] for one in found] == [1.0, 0.0, 0.5]
    assert [one["reward_extra_info"]["undecided"] for one in found] == [0.0, 0.0, 1.0]
