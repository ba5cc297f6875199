"""Networks of one's own: any ``torch.nn.Module`` as a tagger or an autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from calovision.errors import InputError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Autoencoder", "Tagger"]

TASKS = {"jets": "jet-tagger", "crops": "egamma"}


class Tagger:
    """A network of your own as a tagger, for :func:`calovision.train`.

    It is trained, calibrated, evaluated, reported on and exported as ours are. A copy of it is
    trained; the one that you give stays as it is. Its inputs are not scaled.

    Args:
        module: gives a logit of class 1 (quark, electron) an event, ``(n,)`` or ``(n, 1)``, or the
            logits of both classes, ``(n, 2)``.
        inputs: what it takes: ``"dense"``, images ``(n, channels, rows, cols)`` float32, GeV a
            pixel; ``"hits"``, ``(n, max_hits, 4)`` float32 of channel, eta, phi (rad) and energy
            (GeV), hardest first, zeros behind the last; ``"graph"``, a ``torch_geometric`` batch
            with ``x`` ``(nodes, channels)`` in image units, ``pos`` and ``edge_index``.
        max_hits: hits kept of an event in ``"hits"``.
        neighbours: of every node in ``"graph"``.
        name: in reports; the class of the module by default.

    Raises:
        InputError: not a module, or no such inputs.

    Example:
        >>> import calovision as cv
        >>> import torch
        >>> class Sums(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.out = torch.nn.Linear(2, 1)
        ...     def forward(self, images):
        ...         return self.out(images.sum((2, 3)))
        >>> crops = cv.simulate.egamma(400, seed=1, quiet=True)
        >>> model = cv.train(cv.models.Tagger(Sums(), inputs="dense"), crops, epochs=1, quiet=True)
        >>> model.name, model.predict(crops[:2]).probability.shape
        ('own:Sums', (2,))
    """

    def __init__(
        self,
        module: nn.Module,
        inputs: Literal["dense", "hits", "graph"] = "hits",
        *,
        max_hits: int = 128,
        neighbours: int = 8,
        name: str | None = None,
    ) -> None:
        from calovision.events.dataset import Inputs

        Inputs(inputs, max_hits, neighbours)
        self.module, self.model = module, _name(module, name)
        self.settings: dict[str, Any] = {
            "form": inputs,
            "max_hits": max_hits,
            "neighbours": neighbours,
        }

    def task_for(self, schema: str) -> str:
        """The task that it is trained for, by the schema of the events' geometry."""
        return TASKS.get(schema, "jet-tagger")


class Autoencoder:
    """A network of your own as an autoencoder of images, for :func:`calovision.train`.

    The loss is the squared difference of the images in GeV, plus ``beta`` times the
    Kullback-Leibler divergence of the code from a standard normal distribution, if the network
    gives a variance. A threshold per channel, chosen on validation events, says what is a hit.

    Args:
        module: has ``encode``, from images ``(n, channels, rows, cols)`` float32, GeV a pixel, to
            codes ``(n, L)`` or a pair of their means and logarithmic variances, and ``decode``,
            from codes to such images.
        beta: weight of the divergence.
        name: in reports; the class of the module by default.

    Raises:
        InputError: not such a module.

    Example:
        >>> import calovision as cv
        >>> import torch
        >>> class Means(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.gain = torch.nn.Parameter(torch.ones(1))
        ...     def encode(self, images):
        ...         return torch.nn.functional.avg_pool2d(images, 5).flatten(1)
        ...     def decode(self, code):
        ...         coarse = self.gain * code.view(-1, 3, 25, 25)
        ...         return torch.nn.functional.interpolate(coarse, scale_factor=5)
        >>> jets = cv.pretrained("jet-generator").generate(60, seed=1)
        >>> model = cv.train(cv.models.Autoencoder(Means()), jets, epochs=1, batch=16, quiet=True)
        >>> model.reconstruct(jets[:2]).latent.shape
        (2, 1875)
    """

    def __init__(self, module: nn.Module, *, beta: float = 1.0, name: str | None = None) -> None:
        self.module, self.model = module, _name(module, name)
        for method in ("encode", "decode"):
            if not callable(getattr(module, method, None)):
                raise InputError(f"{type(module).__name__} has no {method}", "give it one")
        self.settings: dict[str, Any] = {"form": "dense", "beta": beta}

    def task_for(self, schema: str) -> str:
        """The task that it is trained for."""
        del schema
        return "jet-vae"


def _name(module: nn.Module, name: str | None) -> str:
    """How the model is called.

    Raises:
        InputError: it is no module that can be trained, or the name is no text.
    """
    from calovision.models.own_module import checked_module
    from calovision.training.settings import OWN

    checked_module(module)
    if name is not None and not isinstance(name, str):
        raise InputError(f"{name!r} is no name", "give a text")
    return OWN + (name or type(module).__name__)
