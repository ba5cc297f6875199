"""How fast every model learns and works on a device, and the memory that it takes there.

Each is measured in a process of its own, whose peak of memory is then that of the model: that of
tensors on a GPU, of all that is resident on the CPU. Rates are by CPU time on one core, which holds
on a busy machine too, and by the clock on a GPU.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch

from calovision import models as every
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.store import EventStore
from calovision.models.autoencoders.base import AutoencoderTask
from calovision.models.classify import score
from calovision.models.generators.base import GeneratorTask, Request, generated
from calovision.models.load import load_generator
from calovision.models.reconstruct import reconstructions
from calovision.models.taggers.base import TaggerTask
from calovision.parallel.main_guard import processes_may_start
from calovision.studies.bench.material import Material
from calovision.studies.bench.networks import Steps
from calovision.training.batches import ahead
from calovision.training.devices import chosen_device, described, peak_memory_mb
from calovision.training.run import RunDir
from calovision.training.task import Task

#: the models by the names of their rows, the published one of every task last
MODELS = {
    f"{task}-{model}": (task, model)
    for task, models in every.MODELS.items()
    for model in sorted(models, key="baseline".__eq__)
}
#: settings that make a measurement end, and by how much what it makes takes longer without them
SHORTER: dict[str, tuple[dict[str, Any], float]] = {"jet-generator-baseline": ({"steps": 10}, 30)}
#: whose speed depends on how many hits they have learned to make
TRAINED = ("jet-generator-hits", "jet-generator-hits-small")
Speed = dict[str, float | str]


def speeds(name: str, material: Material, device: str) -> dict[str, Speed]:
    """What one model does on the CPU and, where ``device`` is a GPU, there.

    Returns:
        by device, such as ``"cpu"``: ``batch``, ``steps_per_s``, ``data_wait`` (share of their time
        in which steps wait for their batch), ``events_per_s`` (scored, reconstructed or generated),
        ``memory_mb`` (10^6 bytes), ``device`` in words.

    Raises:
        InputError: a model cannot be measured on a device.
    """
    events = material.kept(crops=MODELS[name][0] == "egamma").path
    run = str(material.generator(MODELS[name][1]).path) if name in TRAINED else ""
    size, fresh = material.size, multiprocessing.get_context("spawn")
    found = {}
    for place in dict.fromkeys(["cpu", str(chosen_device(device))]):
        with processes_may_start(), ProcessPoolExecutor(1, fresh) as process:
            options = {"steps": size.steps, "made": size.made, "seed": material.seed}
            work = process.submit(_measured_alone, name, place, events, run, **options)
            try:
                found[place] = work.result()
            except Exception as error:
                problem = f"{name} cannot be measured on {place}: {error}"
                raise InputError(problem, "see to that first") from error
    return found


def _measured_alone(name: str, place: str, events: Path, run: str, **options: int) -> Speed:
    """What :func:`measured` finds, in a process that does nothing else."""
    device = chosen_device(place)
    if device.type == "cpu":
        torch.set_num_threads(1)
    return measured(name, device, EventStore.open(events).load(), run, **options)


def measured(
    name: str, device: torch.device, events: Events, run: str, steps: int, made: int, seed: int
) -> Speed:
    """What :func:`speeds` says of one device, in this process."""
    on_cpu = device.type == "cpu"
    now = time.process_time if on_cpu else time.perf_counter
    settings, longer = SHORTER.get(name, ({}, 1.0))
    training = Steps(events, *MODELS[name], seed, device=device, settings=settings)
    task = training.task
    makers = (
        partial(task.training_batch, training.view, training.chosen(), step) for step in count()
    )
    begun, waited = now(), 0.0
    with closing(ahead(makers, device)) as batches:
        for step in range(-1, steps):
            if step == 0:  # what is loaded or compiled at first does not count
                _finish(device)
                begun, waited = now(), 0.0
            asked = now()
            batch = next(batches)
            waited += now() - asked
            training.learn(batch)
        _finish(device)
        spent = now() - begun
    task = task.eval()
    if run:
        task = load_generator(RunDir(Path(run)))
    work, number = _work(task, events, made, seed)
    work()
    begun = now()
    work()
    _finish(device)
    return {
        "device": described(device),
        "batch": training.size,
        "steps_per_s": steps / spent,
        "data_wait": waited / spent,
        "events_per_s": number / (now() - begun) / longer,
        "memory_mb": peak_memory_mb(device),
    }


def _work(task: Task, events: Events, made: int, seed: int) -> tuple[Callable[[], object], int]:
    """What a trained model is for, and of how many events."""
    if isinstance(task, TaggerTask):
        return lambda: score(task, events, quiet=True), len(events)
    if isinstance(task, AutoencoderTask):
        few = events[:made]
        return lambda: reconstructions(task, few, seed, quiet=True), len(few)
    assert isinstance(task, GeneratorTask)
    number = min(task.chunk, made)
    return lambda: generated(task, number, Request(), seed=seed), number


def _finish(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
