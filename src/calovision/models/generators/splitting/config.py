"""Settings of our generator and of its fits after the training."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from calovision.training.settings import WIDEST, Training

Share = Annotated[float, Field(gt=0, lt=1)]


class Group(BaseModel):
    """Settings that belong together."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rejection(Group):
    """Rejection sampling by the density ratio.

    Attributes:
        width: of the classifier's two hidden layers.
        dropout: share of the hidden numbers that are dropped at random in training.
        held_out: share of both samples on which the classifier is chosen, and limit and factors
            are found.
        epochs: passes over the generated rows.
        batch: rows of each kind in a step.
        learning_rate: at the start, falling as a cosine.
        weight_decay: of the optimiser.
        validate_every: steps between two looks at the held-out rows.
        limits: shares of generated rows below the limit, tried in turn.
        min_kept: the first limit is taken that keeps at least this share.
        bins: of every number, equally filled by true rows, for each label.
        rows_per_bin: fewer rows make fewer bins.
        sweeps: over all numbers, each of which is put right in turn.
        max_log_factor: largest logarithm of a factor: they are for what is nearly right.
    """

    width: int = Field(128, ge=1, le=WIDEST)
    dropout: float = Field(0.1, ge=0, lt=1)
    held_out: Share = 0.4
    epochs: float = Field(60.0, gt=0)
    batch: int = Field(512, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    validate_every: int = Field(100, ge=1)
    limits: tuple[Share, ...] = Field((0.95, 0.9, 0.8, 0.6, 0.4, 0.2, 0.1), min_length=1)
    min_kept: Share = 0.2
    bins: int = Field(20, ge=1, le=1000)
    rows_per_bin: int = Field(200, ge=1)
    sweeps: int = Field(20, ge=0)
    max_log_factor: float = Field(1.0, ge=0)


class FeatureRejection(Rejection):
    """The same of global features, which cost next to nothing.

    Attributes:
        events: training events that it is learned from, at most.
        drawn: global features drawn for each of those.
    """

    limits: tuple[Share, ...] = Field((0.99, 0.95, 0.8, 0.5), min_length=1)
    events: int = Field(80_000, ge=1)
    drawn: int = Field(3, ge=1)


class Offsets(Group):
    """What is added to the shapes that are asked for, so that events have them on average.

    Attributes:
        events: generated each time.
        times: the second time sees what the first has done.
    """

    events: int = Field(4000, ge=1)
    times: int = Field(2, ge=0)


class Reflow(Group):
    """Straightening of the flow.

    Attributes:
        pairs: of noise and what the teacher makes of it, at most.
        passes: times that each is seen, at least.
        teacher_steps: steps of the solver that makes them.
        batch: pairs in a step.
        learning_rate: at the start, falling as a cosine.
        ema: share of its past that the average of the weights keeps at each step.
    """

    pairs: int = Field(262_144, ge=1)
    passes: int = Field(8, ge=1)
    teacher_steps: int = Field(12, ge=1)
    batch: int = Field(1024, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    ema: float = Field(0.995, ge=0, lt=1)


class CascadeConfig(Training):
    """Our generator: a flow for sums of a jet, which are split into halves down to hits.

    Attributes:
        flow: hidden width of the velocity field of the totals.
        width, head: hidden widths of the networks of every cut, and of every variable of it.
        steps: steps of the flow's solver.
        straight: training steps in which the flow, when it is trained, learns to go straight: then
            few steps of the solver are enough; 0 leaves it as it is.
        select: generated events from which it learns, when all else is trained, which to keep; 0
            keeps all. Totals are selected in any case.
        features_per_step: events whose global features are learned in a step.
        full_step_every: of so many training steps one is for all networks, the others, much
            cheaper, for the flow.
        nodes: nodes of each level learned in a step, about; half of them below the towers.
        merged_level: level whose nodes stand for hits at coarser levels, which take many events.
        active_nodes: nodes with hits that a jet has at fine levels, about.
        rejection: of generated events, where ``select`` asks for it.
        feature_rejection: of global features, before events are made of them.
        offsets: which are added to the shapes that are asked for.
        reflow: of the flow, where ``straight`` asks for it.
    """

    flow: int = Field(192, ge=8, le=WIDEST)
    width: int = Field(128, ge=8, le=WIDEST)
    head: int = Field(64, ge=4, le=WIDEST)
    steps: int = Field(8, ge=1, le=100_000)
    straight: int = Field(0, ge=0)
    select: int = Field(0, ge=0)
    features_per_step: int = Field(1024, ge=1)
    full_step_every: int = Field(5, ge=1)
    nodes: int = Field(2048, ge=1)
    merged_level: int = Field(6, ge=0)
    active_nodes: int = Field(128, ge=1)
    rejection: Rejection = Rejection()
    feature_rejection: FeatureRejection = FeatureRejection()
    offsets: Offsets = Offsets()
    reflow: Reflow = Reflow()
