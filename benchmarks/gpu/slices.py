"""All that a GPU is wanted for, in slices of at most nine minutes, each with its record; what is done stays done.

    python benchmarks/gpu/slices.py [SLICE ...] [--device cuda] [--list] [--again]        (make gpu)

A slice is a command of this repository: the claims of a method, its demo on a model, the table of all methods, steps
and memory at a width, long rows, another attention, a compiled step, two devices. What came of each stands in
`runs/gpu.json`: when, how long, the exit status and its last lines. A slice that is stopped after nine minutes and goes
on by itself (the table does) is begun again by the next call. Without a GPU `--device cpu` runs what does not need one.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORD = ROOT / "runs" / "gpu.json"
SECONDS = 540
METHODS = (
    *("lora", "qlora", "rosa", "qa_lora", "longlora", "second_order_mask", "lomo", "llm_adapters", "prefix_tuning"),
    *("prompt_tuning", "delta_tuning", "flan", "peft_library", "peft_survey"),
)
PAIRS = ("lora", "lora-peft", "qlora", "qlora-peft", "lomo", "lomo-optim")


@dataclass(frozen=True, slots=True)
class Slice:
    """A command by a name; `goes_on` where the same command continues what was stopped. `devices` it needs at least."""

    name: str
    command: tuple[str, ...]
    goes_on: bool = False
    devices: int = 1


def slices(device: str) -> Iterator[Slice]:
    """What there is to run, the most wanted first."""
    kb, ladder = (sys.executable, "-m", "catalog"), (sys.executable, str(HERE / "ladder.py"))
    for name in METHODS:
        yield Slice(f"claims-{name}", (*kb, "verify", name, "--device", device))
    for name in METHODS:
        yield Slice(f"demo-{name}-tiny", (*kb, "demo", name, "--device", device, "--record"))
        if name != "peft_survey":  # whose table is of `tiny`
            yield Slice(
                f"demo-{name}-smollm2", (*kb, "demo", name, "--device", device, "--model", "smollm2", "--record")
            )
    for size in ("135M", "1B", "3B", "8B"):
        for variant in (
            PAIRS if size != "8B" else PAIRS[2:]
        ):  # 8 billion in 16 bits and their gradients are for LOMO alone
            yield Slice(f"steps-{size}-{variant}", (*ladder, size, variant, "--device", device))
    for variant in ("lora", "qlora"):
        for more in (("--compile",), ("--attention", "flash_attention_2"), ("--attention", "eager")):
            yield Slice(
                f"steps-1B-{variant}-{more[-1].strip('-')}", (*ladder, "1B", variant, "--device", device, *more)
            )
    for context in (8192, 16_384, 32_768):
        yield Slice(
            f"longlora-1B-{context}", (*ladder, "1B", "longlora", "--device", device, "--context", str(context))
        )
    for model in ("tiny", "smollm2"):
        for task in ("kind", "json"):
            command = (*kb, "bench", "--device", device, "--model", model, "--task", task)
            yield Slice(f"bench-{model}-{task}", command, goes_on=True)
    launch = (sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "-m", "catalog")
    yield Slice("two-devices", (*launch, "demo", "lora", "--model", "smollm2", "--device", device), devices=2)


def kept() -> dict[str, dict[str, object]]:
    return dict(json.loads(RECORD.read_text())) if RECORD.is_file() else {}


def run(one: Slice, seconds: float = SECONDS) -> dict[str, object]:
    """Run a slice, and say what came of it."""
    begun = time.monotonic()
    child = subprocess.Popen(
        one.command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    try:
        said, _ = child.communicate(timeout=seconds)
        status = "done" if child.returncode == 0 else f"exit {child.returncode}"
    except subprocess.TimeoutExpired:
        child.terminate()
        said, _ = child.communicate()
        status = "goes on" if one.goes_on else f"stopped after {seconds:.0f} s"
    return {
        "status": status,
        "seconds": round(time.monotonic() - begun, 1),
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "said": said.splitlines()[-12:],
    }


def devices() -> int:
    """How many GPUs there are."""
    import torch

    return torch.cuda.device_count()


def main(asked: argparse.Namespace) -> int:
    """Run what is asked for, or all that is not done; the exit status says whether anything failed."""
    if asked.device.startswith("cuda") and not devices() and not asked.list:
        sys.exit("torch sees no GPU; --device cpu runs what does not need one, and --list says what there is")
    there, record, failed = max(1, devices()), kept(), False
    for one in slices(asked.device):
        before = record.get(one.name, {}).get("status", "not yet run")
        if asked.list:
            print(f"{one.name}: {before}")
            continue
        wanted = one.name in asked.slices if asked.slices else asked.again or before in ("not yet run", "goes on")
        if not wanted or one.devices > there:
            continue
        print(f"{one.name} …", flush=True)
        record[one.name] = found = run(one)
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        print(f"  {found['status']}, {found['seconds']} s", flush=True)
        failed = failed or str(found["status"]).startswith("exit")
    return int(failed)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("slices", nargs="*", metavar="SLICE")
    options.add_argument("--device", default="cuda")
    options.add_argument("--list", action="store_true", help="say what there is and what came of it")
    options.add_argument("--again", action="store_true", help="also what is done")
    return options


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))
