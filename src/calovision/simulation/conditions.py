"""What may differ between simulated sets: hardness, tune, noise, pile-up and the grid."""

from __future__ import annotations

from typing import NamedTuple

from calovision.errors import InputError
from calovision.events.geometry import JET_IMAGES, Geometry
from calovision.simulation.detector import CMS_BARREL, Detector
from calovision.simulation.pythia import PT_HAT, TUNE, dijets, refusal
from calovision.simulation.regrid import check_simulable
from calovision.utils.counts import count, pair, quantity


class Conditions(NamedTuple):
    """Conditions of a simulated set; the default ones are those of the public set.

    Attributes:
        pt_hat: range of the hard process's transverse momentum, GeV.
        tune: Pythia's number of the proton tune for the hard collision (``Tune:pp``); pile-up,
            which data would bring along, keeps its own.
        noise: factor on the noise of crystals and towers.
        pileup: mean number of additional collisions; None for that of the description.
        geometry: grid and channels of the images.
        description: the constants of the detector, but for noise and pile-up.
        pythia: further settings of the hard collision, in Pythia's words.
    """

    pt_hat: tuple[float, float] = PT_HAT
    tune: int = TUNE
    noise: float = 1.0
    pileup: float | None = None
    geometry: Geometry = JET_IMAGES
    description: Detector = CMS_BARREL
    pythia: tuple[str, ...] = ()

    def checked(self) -> Conditions:
        """The same conditions, checked.

        Raises:
            InputError: they make no sense.
        """
        low, high = pair("pt_hat", self.pt_hat)
        tune = count("tune", self.tune, 0)
        if not 20 <= low < high <= 4000:
            raise InputError(
                f"no pt-hat from {low:g} to {high:g} GeV", "give 20 <= LO < HI <= 4000"
            )
        if not 1 <= tune <= 34:
            raise InputError(f"Pythia has no proton tune {tune}", "give 1 to 34")
        for line in self.pythia:
            if reason := refusal(line):
                raise InputError(
                    f"the setting {line!r}: {reason}", "give such as 'StringZ:aLund = 0.4'"
                )
        self.detector()
        check_simulable(self.geometry)
        return self._replace(pt_hat=(low, high), tune=tune)

    def settings(self) -> tuple[str, ...]:
        """Of the hard collisions, in Pythia's words."""
        return dijets(self.pt_hat, self.tune, self.pythia)

    def detector(self) -> Detector:
        """The detector in this state; see :func:`detector`."""
        return detector(self.noise, self.pileup, self.description)


def detector(
    noise: float, pileup: float | None = None, description: Detector = CMS_BARREL
) -> Detector:
    """The detector with another noise and pile-up.

    Args:
        noise: factor on the noise of crystals and towers.
        pileup: mean number of additional collisions; None for that of the description.
        description: its constants.

    Raises:
        InputError: one is no number, or out of range.
    """
    if not 0 <= quantity("noise", noise) <= 20:
        raise InputError(f"a noise factor of {noise:g}", "give 0 to 20")
    pileup = description.pileup if pileup is None else pileup
    if not 0 <= quantity("pileup", pileup) <= 200:
        raise InputError(f"a mean pile-up of {pileup:g}", "give 0 to 200")
    return description._replace(
        ecal_noise=noise * description.ecal_noise,
        hcal_noise=noise * description.hcal_noise,
        pileup=pileup,
    )


NOMINAL = Conditions()
