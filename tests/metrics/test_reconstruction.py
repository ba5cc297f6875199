from __future__ import annotations

import json

import pytest

from calovision.errors import InputError
from calovision.metrics.reconstruction import reconstruction_metrics


def test_every_promised_key_is_there_with_an_error(toy_jets, smeared):
    found = reconstruction_metrics(toy_jets, smeared, seed=1, max_events=10)
    for channel in ("track", "ecal", "hcal"):
        for key in ("occupancy_f1", "response", "resolution", "w1_hit_energy", "w1_n_hit"):
            assert f"{key}_{channel}" in found
    assert {"psnr", "ssim", "psnr_blank", "ssim_mean"} <= set(found)
    json.dumps({k: m.to_dict() for k, m in found.items()}, allow_nan=False)


def test_the_same_seed_gives_the_same_numbers(toy_jets, smeared):
    runs = [reconstruction_metrics(toy_jets, smeared, seed=2, max_events=4) for _ in range(2)]
    assert runs[0] == runs[1]


def test_sets_that_do_not_match_are_refused(toy_jets):
    with pytest.raises(InputError):
        reconstruction_metrics(toy_jets, toy_jets[1:], seed=1, max_events=4)
