"""What every training of a tagger may be asked for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from calovision.training.settings import Training


class TaggerTraining(Training):
    """What every training of a tagger has.

    Attributes:
        augment: ``"mirrors"`` leaves it to the tagger to change events in ways that keep the label;
            ``"detector"`` also shows it detector, vertex, noise and pile-up drawn anew every epoch,
            which takes jets that keep their particles.
        simulate: events that are simulated while it learns from them, each once, in place of
            those of a set; 0 takes a set.
        frozen: of a network that begins with the weights of another training, only the last layers
            learn; for what else there are too few events.
        decorrelate: weight in the loss of the squared distance correlation of the probability with
            the mass ``m0`` of background, class 0 (DisCo, arXiv:2001.05310); 0 leaves it out.
        workers: processes that draw or simulate events ahead; 0 leaves it to the training. They
            decide nothing of the result.
    """

    augment: Literal["mirrors", "detector"] = "mirrors"
    simulate: int = Field(0, ge=0, le=1_000_000_000)
    frozen: bool = False
    decorrelate: float = Field(0.0, ge=0, le=1e6)
    workers: int = Field(1, ge=0, le=1000)

    @model_validator(mode="after")
    def _events_come_once(self) -> Self:
        if self.simulate and (self.epochs > 1 or self.augment != "mirrors"):
            raise ValueError("simulated events come once: epochs is 1, augment is mirrors")
        return self
