from __future__ import annotations

import numpy as np

import calovision as cv
from calovision.events.events import Events


def test_jets_unlike_those_of_the_training_surprise(toy_jets: Events) -> None:
    model, odd = cv.pretrained("jet-vae"), toy_jets[:]
    odd.value = 8 * odd.value
    odd.columns = odd.columns | {k: 8 * odd.columns[k] for k in ("pt", "m0")}
    plain, strange = (model.reconstruct(jets).surprise for jets in (toy_jets, odd))
    assert plain.shape == (len(toy_jets),)
    assert np.median(strange) > np.median(plain) + 100
