"""Which of several generators is nearest to the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from calovision.api.compare import Sample, known_training, read
from calovision.api.results import Results
from calovision.errors import InputError
from calovision.utils.counts import count


def rank(
    truth: Sample,
    made: Mapping[str, Sample] | Sequence[str | Path],
    *,
    judge: str = "challenge-high-level",
    events: int = 20_000,
    seed: int = 1,
    device: str = "auto",
    skip_corrupt: bool = False,
) -> Results:
    """Rank generators by what a classifier of all of them says of true events.

    The classifier learns which generator made an event and has never seen a true one; the generator
    to which it gives the largest mean log posterior on true events is the nearest to them
    (the multi-class protocol of the CaloChallenge, arXiv:2410.21611).

    Args:
        truth: true events, or their folder or file; training events of the generators are left out.
        made: events of each generator, by its name; or folders or files, whose names are taken.
        judge: network and inputs: ``"challenge-high-level"``, ``"challenge-dense"`` or
            ``"challenge-cnn"``, which takes hours without a GPU.
        events: at most so many events of each set, the first ones.
        seed: of split, network and batches.
        device: where the network computes: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:N"``,
            ``"mps"``.
        skip_corrupt: leave out damaged shards, with a warning.

    Returns:
        ``log_posterior_{name}`` of every generator, and ``generator_accuracy``, the share of unseen
        generated events whose generator is found; if that is no better than guessing, the
        posteriors say nothing.

    Raises:
        InputError: fewer than two sets, two of one name, sets of different geometry, too few
            events, or an unknown judge.

    Example:
        >>> import calovision as cv
        >>> crops = cv.simulate.egamma(300, seed=1, quiet=True)
        >>> made = {"photons": crops.select("label == photon"), "all": crops[:100]}
        >>> found = cv.rank(cv.simulate.egamma(60, seed=2, quiet=True), made)
        >>> list(found)
        ['log_posterior_photons', 'log_posterior_all', 'generator_accuracy']
    """
    from calovision.evaluation.ranking import rank as measure

    most, seed = count("events", events), count("seed", seed, 0)
    if not isinstance(made, Mapping):
        given = [made] if isinstance(made, str | Path) else made
        if not all(isinstance(one, str | Path) for one in given):
            raise InputError("sets in memory have no names", 'give them, {"mine": events, ...}')
        names = [Path(one).name or str(one) for one in given]
        if len(set(names)) < len(names):
            raise InputError(
                f"two sets are called {next(n for n in names if names.count(n) > 1)!r}",
                "give them other names",
            )
        made = dict(zip(names, given, strict=True))
    true, of_truth = read(truth, most, skip_corrupt)
    sets = {name: read(one, most, skip_corrupt) for name, one in made.items()}
    content = measure(
        true,
        {name: events for name, (events, _) in sets.items()},
        judge=judge,
        seed=seed,
        known={name: known_training(one) for name, one in made.items()},
        device=device,
    )
    used = content["made"]
    content["truth"] = of_truth | {"used": content["truth"]["events"]}
    content["made"] = {k: of | {"used": used[k]["events"]} for k, (_, of) in sets.items()}
    return Results(content)
