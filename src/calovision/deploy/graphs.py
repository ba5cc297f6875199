"""Which graphs a trained task is written as."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from calovision.deploy import hits
from calovision.deploy.autoencoders import (
    COLUMNS,
    POINT_DECODED,
    POINT_ENCODED,
    DenseDecoder,
    DenseEncoder,
    PointDecoder,
    PointEncoder,
    cells_of,
    cells_told,
)
from calovision.deploy.ddpm import diffusion
from calovision.deploy.graph import Arrays, Graph, numpy_of
from calovision.deploy.own import OwnHits, OwnImages, autoencoder_graphs, one_graph
from calovision.deploy.splitting import cascade
from calovision.deploy.taggers import (
    OUTPUTS,
    CropLogits,
    GraphTagger,
    ImageTagger,
    ParticleNetLogits,
    SetTagger,
    TransformerLogits,
)
from calovision.errors import InputError
from calovision.events.events import Events
from calovision.events.geometry import Geometry
from calovision.models.autoencoders.dense_vae import DenseVAETask
from calovision.models.autoencoders.own import ModuleAutoencoder
from calovision.models.autoencoders.point_vae import PointVAETask
from calovision.models.generators.ddpm import DDPMTask
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.taggers.base import TaggerTask
from calovision.models.taggers.out_of_distribution import domain_features
from calovision.models.taggers.own import ModuleTagger
from calovision.networks.mixed_precision import MixedPrecision
from calovision.training.devices import to_device
from calovision.training.task import Task


def graphs(task: Task) -> list[Graph]:
    """The graphs of a trained task, all in single precision."""
    for part in task.modules():
        if isinstance(part, MixedPrecision):
            part.enabled = False
    task.eval()
    if isinstance(task, TaggerTask):
        return [_tagger(task)]
    if isinstance(task, PointVAETask):
        return _point_vae(task)
    if isinstance(task, DenseVAETask):
        return _dense_vae(task)
    if isinstance(task, ModuleAutoencoder):
        return autoencoder_graphs(task, images_told(task.geometry))
    if isinstance(task, DDPMTask):
        return diffusion(task)
    assert isinstance(task, CascadeTask)
    return cascade(task)


def images_told(geometry: Geometry) -> dict[str, str]:
    """The input of models of dense images."""
    units = ", ".join(f"{c.name} {c.gev_per_unit:g}" for c in geometry.channels)
    return {
        "images": f"float32 (events, {len(geometry.channels)}, {geometry.rows},"
        f" {geometry.cols}): content per pixel in image units (GeV of one unit: {units}); the"
        " content of a larger readout cell is shared equally by its pixels"
    }


def _images(events: Events) -> Arrays:
    return {"images": events.to_dense("image").astype(np.float32)}


def _scores(task: TaggerTask) -> Callable[[Events], Arrays]:
    """Outputs of a tagger by the package's own way."""

    def expected(events: Events) -> Arrays:
        logit = task.logits(task.dataset(events))
        unlike = task.domain.out_of_distribution(domain_features(events))
        found = (task.probabilities(logit), logit, unlike)
        return dict(zip(OUTPUTS, found, strict=True))

    return expected


def _tagger(task: TaggerTask) -> Graph:
    # Here, since each loads libraries that the others can do without.
    from calovision.models.taggers.crop_net import CropTask
    from calovision.models.taggers.graph_sage import GraphTask
    from calovision.models.taggers.particle_net import ParticleNetTask
    from calovision.models.taggers.resnet import ImageTask
    from calovision.models.taggers.transformer import TransformerTask

    if isinstance(task, GraphTask):
        return _graph_tagger(task)
    network = task.network
    plain = network.network if isinstance(network, MixedPrecision) else network
    channels = len(task.geometry.channels)
    logits: nn.Module
    if isinstance(task, TransformerTask):
        logits = TransformerLogits(task)
    elif isinstance(task, ParticleNetTask):
        logits = ParticleNetLogits(plain, task.hits, channels)  # type: ignore[arg-type]
    elif isinstance(task, ModuleTagger) and task.form.form == "graph":
        return one_graph(task, _scores(task))
    elif isinstance(task, ModuleTagger) and task.form.form == "hits":
        logits = OwnHits(task)
    elif not isinstance(task, ImageTask | CropTask | ModuleTagger):
        raise InputError(f"{type(task).__name__} cannot be exported", "export another model")
    else:
        if isinstance(task, CropTask):
            plain = CropLogits(task)
        if isinstance(task, ModuleTagger):
            plain = OwnImages(task)
        return Graph(
            "",
            ImageTagger(task, plain),
            images_told(task.geometry),
            OUTPUTS,
            {"images": ("events",)},
            _images,
            _scores(task),
        )
    tagger = SetTagger(task, logits)
    return Graph(
        "", tagger, hits.INPUTS, OUTPUTS, hits.FREE, hits.prepared, _scores(task), "Any order."
    )


def _graph_tagger(task: TaggerTask) -> Graph:
    from calovision.models.taggers.graph_sage import GraphTask

    assert isinstance(task, GraphTask)
    where = "in (eta, phi)" if task.positions else "between contents"
    extra = ", then eta and phi from the window's centre (rad)" if task.positions else ""

    def prepared(events: Events) -> Arrays:
        graph = task.prepare(events).batch(np.arange(len(events)))
        owner = graph.batch.numpy()
        nodes = np.bincount(owner, minlength=len(events))
        first, width = np.cumsum(nodes) - nodes, max(int(nodes.max(initial=0)), 1)
        columns = [graph.features, graph.position] if task.positions else [graph.features]
        content = torch.cat(columns, 1).numpy()
        features = np.zeros((len(events), width, content.shape[1]), np.float32)
        mask = np.arange(width) < nodes[:, None]
        features[mask] = content
        source, target = graph.edge_index.numpy()
        order = np.argsort(target, kind="stable")
        source, target = source[order], target[order]
        degree = np.bincount(target, minlength=len(owner))
        rank = np.arange(len(target)) - (np.cumsum(degree) - degree)[target]
        event = owner[target]
        near = np.full((len(events), width, task.k), -1, np.int64)
        near[event, target - first[event], rank] = source - first[event]
        return {"features": features, "neighbours": near, "mask": mask}

    def expected(events: Events) -> Arrays:
        return {k: v for k, v in _scores(task)(events).items() if k != "out_of_distribution"}

    free = ("events", "pixels")
    return Graph(
        "",
        GraphTagger(task, task.network, task.scale),
        {
            "features": "float32 (events, pixels, F): contents of a nonzero pixel in all channels,"
            f" image units{extra}",
            "neighbours": f"int64 (events, pixels, {task.k}): the nearest other nonzero pixels,"
            f" {where}, by their number in the event; -1 for none",
            "mask": "bool (events, pixels): false for padding",
        },
        {k: v for k, v in OUTPUTS.items() if k != "out_of_distribution"},
        {"features": free, "neighbours": free, "mask": free},
        prepared,
        expected,
        "The search for neighbours is left to the caller; out_of_distribution is left out.",
    )


def _point_vae(task: PointVAETask) -> list[Graph]:
    decoder = PointDecoder(task)
    columns = COLUMNS if decoder.columns else {}

    def prepared(events: Events) -> Arrays:
        known = {k: events.columns[k].astype(np.float32) for k in columns}
        return hits.prepared(events) | known

    def encoded(events: Events) -> Arrays:
        given = task.batch(task.dataset(events), np.arange(len(events)))[:2]
        means, _ = task.encode(*to_device(given, task.device))
        size = means.shape[1] - 3 * task.points
        parts = (means[:, :size], means[:, size:].reshape(len(events), task.points, 3))
        return numpy_of(POINT_ENCODED, parts)

    def decoded(events: Events) -> Arrays:
        codes = (torch.from_numpy(x).to(task.device) for x in encoded(events).values())
        return numpy_of(POINT_DECODED | columns, decoder(*codes))

    told = {k: v.replace("mean of", "").replace("means of", "") for k, v in POINT_ENCODED.items()}
    return [
        Graph(
            "encoder",
            PointEncoder(task),
            hits.INPUTS | columns,
            POINT_ENCODED,
            hits.FREE | dict.fromkeys(columns, ("events",)),
            prepared,
            encoded,
            "Any order.",
        ),
        Graph(
            "decoder",
            decoder,
            told,
            POINT_DECODED | columns,
            {"code": ("events",), "points": ("events",)},
            encoded,
            decoded,
            "The hits without a latent point are drawn by the caller: counts - (hits given) cells"
            " of every channel, by cell_logit; then energies are scaled to sums.",
        ),
    ]


def _dense_vae(task: DenseVAETask) -> list[Graph]:
    told = {
        "mean": f"float32 (events, {task.latent_numbers}): latent means",
        "log_variance": f"float32 (events, {task.latent_numbers})",
    }

    def encoded(events: Events) -> Arrays:
        images = task.batch(events, np.arange(len(events)))[0].to(task.device)
        return numpy_of(told, task.network.encode(images))

    def code(events: Events) -> Arrays:
        return {"code": encoded(events)["mean"]}

    def decoded(events: Events) -> Arrays:
        chosen = np.arange(len(events))
        return cells_of(task.reconstruct(events, chosen, torch.Generator(task.device))[0])

    return [
        Graph(
            "encoder",
            DenseEncoder(task),
            images_told(task.geometry),
            told,
            {"images": ("events",)},
            _images,
            encoded,
        ),
        Graph(
            "decoder",
            DenseDecoder(task),
            {"code": f"float32 (events, {task.latent_numbers}): latent numbers"},
            cells_told(task.geometry),
            {"code": ("events",)},
            code,
            decoded,
        ),
    ]
