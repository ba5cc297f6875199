"""Models: what is learned, by which network, and what a trained one is used for.

A model's settings, inputs, loss and preset stand in the module that :data:`MODELS` names.
``calovision.models.Tagger`` and ``calovision.models.Autoencoder`` are for networks of one's own.
"""

from __future__ import annotations

from calovision.models.own import Autoencoder, Tagger
from calovision.utils.matplotlib_backend import ignore_unknown_backend

__all__ = ["Autoencoder", "Tagger"]

#: task, model and its module, loaded when it is asked for; the first model of a task is the default
MODELS: dict[str, dict[str, str]] = {
    "jet-vae": {
        "point": "autoencoders.point_vae",
        "hits": "autoencoders.hits_vae",
        "hits-small": "autoencoders.hits_vae",
        "baseline": "autoencoders.dense_vae",
    },
    "jet-tagger": {
        "particle-transformer": "taggers.transformer",
        "baseline": "taggers.graph_sage",
        "graphsage-xy": "taggers.graph_sage",
        "particlenet": "taggers.particle_net",
        "particlenet-lite": "taggers.particle_net",
        "resnet15": "taggers.resnet",
    },
    "jet-generator": {
        "hits": "generators.hits.task",
        "hits-small": "generators.hits.task",
        "particles": "generators.particles.task",
        "particles-small": "generators.particles.task",
        "particles-large": "generators.particles.task",
        "set-flow": "generators.set_flow",
        "baseline": "generators.ddpm",
    },
    "egamma": {
        "crop-net": "taggers.crop_net",
        "baseline": "taggers.resnet",
    },
}
#: tasks that a network of one's own can be trained for
OWN_MODELS = {
    "jet-tagger": "taggers.own",
    "egamma": "taggers.own",
    "jet-vae": "autoencoders.own",
}

ignore_unknown_backend()


def __dir__() -> list[str]:
    return __all__
