from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate

from calovision.errors import InputError
from calovision.metrics.image_quality import Windowed, image_quality, ssim_map
from calovision.metrics.occupancy import occupancy_metrics


def ssim_by_the_paper(a, b, data_range):
    """Wang et al. 2004, with an explicit 11 x 11 window."""
    x = np.arange(-5, 6)
    window = np.exp(-(x[:, None] ** 2 + x**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(image):
        return correlate(image, window, mode="reflect")

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    return (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))


def test_ssim_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 20, (2, 40, 30))
    found = ssim_map(Windowed(a / 20), Windowed(b / 20))
    np.testing.assert_allclose(found, ssim_by_the_paper(a, b, 20.0), atol=1e-10)


def test_psnr_by_hand(make_events):
    true, rec = make_events([(1, 5, 5, 10.0)]), make_events([(1, 5, 5, 9.0)])
    found = image_quality(true, rec, seed=1)
    mse = 1 / 125**2
    assert found["psnr_ecal"].value == pytest.approx(10 * np.log10(100 / mse), rel=1e-4)
    assert found["psnr_blank_ecal"].value == pytest.approx(10 * np.log10(125**2), rel=1e-4)
    assert found["psnr_ecal"].unit == "dB"


def test_perfect_reconstruction(toy_jets):
    found = image_quality(toy_jets[:10], toy_jets[:10], seed=1)
    assert found["ssim"].value == pytest.approx(1, abs=1e-5)
    assert found["psnr"].value == np.inf
    assert found["psnr"].to_dict()["value"] is None
    assert found["ssim_blank"].value < found["ssim"].value


def test_a_blank_image_wins_these_scores_and_no_other(toy_jets, blank):
    """Why PSNR and SSIM never stand alone."""
    jets, blank = toy_jets[:16], blank[:16]
    # as in the public set, where one hit in a hundred thousand defines the range
    jets.value[jets.offsets[0]] *= 300
    found = image_quality(jets, blank, seed=1)
    assert found["ssim_track"].value > 0.99
    assert found["psnr_track"].value > 40
    assert found["ssim"].value == pytest.approx(found["ssim_blank"].value)
    assert found["psnr"].value == pytest.approx(found["psnr_blank"].value)
    assert occupancy_metrics(jets, blank, seed=1)["occupancy_f1_track"].value == 0


def test_batches_do_not_show(toy_jets, smeared):
    found = image_quality(toy_jets, smeared, seed=1, max_events=60)
    dense, other = (e[:60].to_dense().astype(float) for e in (toy_jets, smeared))
    peak = dense.max(axis=(0, 2, 3))
    mse = ((dense - other) ** 2).mean(axis=(0, 2, 3))
    assert found["psnr_hcal"].value == pytest.approx(10 * np.log10(peak**2 / mse)[2], rel=1e-4)
    ssim = ssim_map(*(Windowed(images[:, 1] / peak[1]) for images in (dense, other))).mean()
    assert found["ssim_ecal"].value == pytest.approx(ssim, abs=1e-4)
    blurred = np.mean((dense - dense.mean(axis=0)) ** 2, axis=(0, 2, 3))
    assert found["psnr_mean_hcal"].value == pytest.approx(
        10 * np.log10(peak**2 / blurred)[2], rel=1e-4
    )


def test_sets_that_do_not_match_are_refused(toy_jets):
    with pytest.raises(InputError):
        image_quality(toy_jets, toy_jets[:3], seed=1)
