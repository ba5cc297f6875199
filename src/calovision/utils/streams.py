"""All random numbers of the package: one named stream for every purpose, none shared by two.

A stream depends on its name, on the seed, and on a place, such as the number of a chunk or of an
epoch, and on nothing else: the same seed gives the same bytes for any number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class Stream(Enum):
    """The purposes of random numbers; the value is the name that a stream starts from."""

    # simulation and sets
    SIMULATION = "chunks of simulated events"
    SPLIT = "training and test events"
    SHUFFLE = "order in which a set is streamed"
    DATASET = "order of the windows of a data set"
    DATASET_WINDOW = "order in a window of a data set"
    DEAD_CELLS = "dead cells"
    MUONS = "measured momenta of muons"
    CALIBRATION = "jets that a detector is fitted with"
    # training
    WEIGHTS = "weights of a new network"
    FEWER = "fewer training events"
    ORDER = "order of training events"
    WINDOW = "order in a window of training events"
    NOISE = "noise of a training step"
    VALIDATION = "noise of a validation batch"
    DROPOUT = "dropout of a training step"
    TRIAL_WEIGHTS = "weights of a network that is only timed"
    DOUBT = "reconstructions that are compared with a blank image"
    PARTICLES = "mirrored jets of a training batch"
    HITS = "turned jets of a training batch"
    SPREAD = "what whole numbers of jets are spread by"
    AGAIN = "detector of training jets seen again"
    FRESH = "chunks of events that are simulated for a training"
    FRESH_VALIDATION = "validation events of such a training"
    DETECTOR = "detector of particles of training jets"
    THRESHOLD = "images that set the threshold"
    # symmetries
    SYMMETRY = "stages of the search for symmetries"
    SYMMETRY_MOVED = "a stage that goes on on another device"
    SYMMETRY_WEIGHTS = "weights of the stages"
    # use
    SAMPLE = "generated events"
    RECONSTRUCT = "reconstructed events"
    TRIAL = "trial events of an export"
    TRIAL_NOISE = "noisy images of an export"
    TRIAL_PARTICLES = "particles of an export"
    TRIAL_POINTS = "points of an export"
    TRIAL_HITS = "hits of an export"
    # measures
    BOOTSTRAP = "replicas of events"
    OWN_METRIC = "replicas for a metric of one's own"
    TWO_SAMPLE = "folds of a two-sample test"
    FOLDS = "folds of a cross-validation"
    FOLD = "order in a fold"
    COMPARED = "events that are compared"
    HALVES = "halves for a network on hits"
    JUDGE = "batches of a network on hits"
    JUDGE_WEIGHTS = "weights of a network on hits"
    SLICES = "directions and permutations of a sliced distance"
    JUDGE_HALVES = "halves for the calibration of a judge"
    CHALLENGE = "parts of a sample for judges of the challenge"
    CHALLENGE_WEIGHTS = "weights of judges of the challenge"
    CHALLENGE_ORDER = "order of training events of judges of the challenge"
    EXPLANATION = "halves for an explanation"
    SCULPTING = "random cuts"
    FPD = "batches of the Frechet distance"
    KPD = "batches of the kernel distance"
    SHOWN = "points that are drawn"
    SHOWERS = "particles of timed showers"
    BREAKING = "judge of broken symmetries"
    BREAKING_WEIGHTS = "weights of the judge of broken symmetries"
    FALSE_DISCOVERY = "sets without a symmetry"
    LORENTZ = "bootstrap of the search for Lorentz generators"
    PLANE = "angles of drawn points"
    BENCH_BATCHES = "batches of a benchmark"
    BENCH_NOISE = "noise of a benchmark"


#: streams of which the bytes must stay: simulated sets, and test events of runs that exist
_AS_BEFORE = (Stream.SIMULATION, Stream.SPLIT, Stream.WEIGHTS)


def numbers(
    stream: Stream, seed: int | Sequence[int] | NDArray[np.uint32], *place: int
) -> np.random.SeedSequence:
    """The seed sequence of a stream.

    Args:
        stream: what the numbers are for.
        seed: the user's; 0 or more.
        *place: where in the work they are used, such as the number of a chunk.
    """
    if stream is Stream.SIMULATION:
        return np.random.SeedSequence(seed, spawn_key=place)
    if stream in _AS_BEFORE:
        if place:
            raise ValueError(f"{stream} has no places")
        return np.random.SeedSequence(seed)
    return np.random.SeedSequence(seed, spawn_key=(key(stream), *place))


def key(stream: Stream) -> int:
    """Number of a stream, larger than any chunk of a simulation."""
    return crc32(stream.value.encode()) | 1 << 31


def rng(
    stream: Stream, seed: int | Sequence[int] | NDArray[np.uint32], *place: int
) -> np.random.Generator:
    """NumPy's random numbers of a stream; see :func:`numbers`."""
    return np.random.default_rng(numbers(stream, seed, *place))


def torch_seed(stream: Stream, seed: int, *place: int) -> int:
    """Seed of PyTorch's random numbers of a stream; see :func:`numbers`."""
    if stream is Stream.WEIGHTS:
        return seed
    return int(numbers(stream, seed, *place).generate_state(1, np.uint64)[0] >> np.uint64(1))


def torch_rng(
    stream: Stream, seed: int, *place: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """PyTorch's random numbers of a stream on a device, which has its own; see :func:`numbers`."""
    import torch

    return torch.Generator(device).manual_seed(torch_seed(stream, seed, *place))
