"""Random numbers: every purpose has a stream of its own, and all come from one place."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import calovision
from calovision.events.splits import split
from calovision.simulation.chunks import chunks_of
from calovision.utils import streams
from calovision.utils.streams import Stream

SOURCE = Path(calovision.__file__).parent
SEEDS = (0, 1, 2, 3, 1000, 1001, 2**32 - 1, 2**32, 2**63)
PLACES = ((), (0,), (1,), (2,), (3,), (0, 0), (0, 1), (3, 0), (3, 1), (1000,))
WITHOUT_PLACES = (Stream.SPLIT, Stream.WEIGHTS)
SOURCES = {"default_rng", "SeedSequence", "manual_seed", "RandomState", "seed"}
#: what divides the stream of a chunk of a simulation, of which the bytes must stay
PARTS = {"simulation/jets.py", "simulation/egamma/driver.py", "simulation/egamma/fast.py"}


def test_no_two_purposes_share_numbers() -> None:
    """Also not at other seeds and places; NumPy takes [seed, 0] for [seed]."""
    seen: dict[bytes, tuple[Stream, int, tuple[int, ...]]] = {}
    for stream in Stream:
        for seed in SEEDS:
            for place in PLACES if stream not in WITHOUT_PLACES else PLACES[:1]:
                if stream is Stream.SIMULATION and not place:
                    continue  # a chunk always has a number
                if stream is Stream.WEIGHTS:
                    continue  # PyTorch's alone, see below
                numbers = np.random.PCG64(streams.numbers(stream, seed, *place)).random_raw(4)
                first = seen.setdefault(numbers.tobytes(), (stream, seed, place))
                assert first == (stream, seed, place)
    assert len(seen) > 40 * len(SEEDS) * len(PLACES)


def test_no_two_purposes_share_numbers_of_pytorch() -> None:
    seen: dict[int, tuple[Stream, int, tuple[int, ...]]] = {}
    for stream in Stream:
        if stream in (Stream.SIMULATION, Stream.SPLIT):
            continue  # NumPy's alone
        for seed in SEEDS:
            for place in PLACES if stream not in WITHOUT_PLACES else PLACES[:1]:
                number = streams.torch_seed(stream, seed, *place)
                assert seen.setdefault(number, (stream, seed, place)) == (stream, seed, place)


def test_names_have_numbers_of_their_own_above_those_of_chunks() -> None:
    keys = [streams.key(stream) for stream in Stream]
    assert len(set(keys)) == len(keys)
    assert min(keys) >= 2**31


def test_streams_do_not_depend_on_each_other() -> None:
    first = streams.rng(Stream.SAMPLE, 1, 3).random(5)
    streams.rng(Stream.SPREAD, 1).random(100)
    torch.rand(3)
    assert np.array_equal(streams.rng(Stream.SAMPLE, 1, 3).random(5), first)
    drawn = torch.rand(5, generator=streams.torch_rng(Stream.NOISE, 1, 3, 0))
    again = torch.rand(5, generator=streams.torch_rng(Stream.NOISE, 1, 3, 0))
    assert torch.equal(drawn, again)
    assert not torch.equal(drawn, torch.rand(5, generator=streams.torch_rng(Stream.NOISE, 1, 3, 1)))


@pytest.mark.parametrize("stream", WITHOUT_PLACES)
def test_streams_as_before_have_no_places(stream: Stream) -> None:
    with pytest.raises(ValueError, match="no places"):
        streams.numbers(stream, 1, 2)


def test_what_exists_stays_as_it_is() -> None:
    """Test events of trained runs, chunks of simulated sets, first weights: as NumPy draws them."""
    order = np.random.default_rng(5).permutation(10)
    assert split(10, {"train": 0.7, "test": 0.3}, 5)["test"].tolist() == sorted(order[7:])
    state = np.random.SeedSequence(5, spawn_key=(2,)).generate_state(1, np.uint64)[0]
    assert chunks_of(30, 5, 10)[2].seed == int(state)
    assert streams.torch_seed(Stream.WEIGHTS, 5) == 5


#: streams that are used in more than one file: for one purpose, or at places of their own
SHARED = {
    "SIMULATION": {"simulation/chunks.py", "simulation/external/images.py"},
    "SPLIT": {"events/splits.py", "simulation/digits.py"},
    "SAMPLE": {
        "models/generators/ddpm.py",
        "models/generators/particles/sampling.py",
        "models/generators/hits/sampling.py",
    },
    "WEIGHTS": {"training/trainer.py", "studies/bench/networks.py"},
    "SHOWERS": {"studies/jet_generation.py", "studies/bench/making.py"},
    "SYMMETRY_WEIGHTS": {
        "models/symmetry/runs.py",
        "models/symmetry/discovery.py",
        "studies/symmetry.py",
        "studies/symmetry_ablation.py",
    },
}


def test_every_stream_is_used_for_one_purpose() -> None:
    used: dict[str, set[str]] = {}
    for file in SOURCE.rglob("*.py"):
        name = str(file.relative_to(SOURCE))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and _names(node.value) == "Stream":
                used.setdefault(node.attr, set()).add(name)
    outside = {stream: files - {"utils/streams.py"} for stream, files in used.items()}
    assert outside.keys() == {stream.name for stream in Stream}
    assert {s: files for s, files in outside.items() if len(files) != 1} == SHARED


def _names(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def test_all_random_numbers_come_from_the_streams() -> None:
    others = []
    for file in SOURCE.rglob("*.py"):
        name = str(file.relative_to(SOURCE))
        if name == "utils/streams.py" or name in PARTS:
            continue
        for call in ast.walk(ast.parse(file.read_text())):
            if not isinstance(call, ast.Call) or _names(call.func) not in SOURCES:
                continue
            if _names(call.func) == "seed" and name.startswith("simulation/"):
                continue  # of compiled code, by numbers of its chunk
            given = call.args[0] if call.args else None
            named = isinstance(given, ast.Call) and _names(given.func) == "torch_seed"
            if not named:
                others.append(f"{name}:{call.lineno}")
    assert others == []
