"""Objects one after another, and images of those so far."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from calovision.events.events import Events
from calovision.models.generators.hits.numbers import COUNTS, SUMS
from calovision.models.generators.hits.object_images import Object, ObjectImages, window_order
from calovision.models.generators.hits.sampling import sample_objects
from calovision.models.generators.hits.task import HitsTask
from calovision.models.generators.hits.tokens import KINDS, TOWERS, TRACKS, Grid

GRID = Grid(5, 5, 3)


def drawn(n: int) -> Object:
    random = torch.Generator().manual_seed(1)

    def whole(high: int) -> Tensor:
        return torch.randint(high, (n,), generator=random)

    kind = whole(KINDS)
    return Object(kind, whole(25), whole(9) * (kind != TOWERS), torch.rand(n, generator=random))


def test_images_of_objects() -> None:
    found, images = drawn(40), ObjectImages.empty(GRID, 40, torch.device("cpu"))
    more = images.with_one(found)
    images.draw(torch.arange(40), found)
    torch.testing.assert_close(images.content, more.content)
    assert int((images.content > 0).sum()) == 40
    one = int((found.kind == TRACKS).nonzero()[0, 0])
    tower, pixel = int(found.tower[one]), int(found.pixel[one])
    assert images.content[one, tower // 5 + 1, tower % 5 + 1, pixel] > 0.3
    hit = torch.zeros(40, 25, dtype=torch.bool)
    hit[torch.arange(40), found.tower] = found.kind == TOWERS
    assert torch.equal(images.taken(torch.tensor(False)), hit)
    hit[:, GRID.middle] = True
    assert torch.equal(images.taken(torch.tensor(True)), hit)


def test_windows_are_those_of_whole_images() -> None:
    content = torch.randperm(9 * 19).view(9, 19)
    image, towers = torch.zeros(2, 9, 9, dtype=torch.long), content[:, -1]
    for tower in range(9):
        for pixel in range(9):
            place = tower // 3 * 3 + pixel // 3, tower % 3 * 3 + pixel % 3
            image[:, *place] = content[tower, [pixel, 9 + pixel]]
    whole = torch.cat([image.flatten(), towers])
    assert torch.equal(whole[window_order(GRID)], content.flatten())


def test_windows_show_what_came_before() -> None:
    found, images = drawn(40), ObjectImages.empty(GRID, 40, torch.device("cpu"))
    owner = torch.arange(40)
    spots = images.draw(owner, found)
    seen = images.around(owner, found.tower)
    middle = torch.where(found.kind == TOWERS, 18, (found.kind - TRACKS) * 9 + found.pixel)
    seen, middle = seen.flatten(1), 4 * 19 + middle
    torch.testing.assert_close(seen.gather(1, middle[:, None])[:, 0], seen.sum(1))
    assert bool((seen.sum(1) > 0).all())
    when = torch.zeros_like(images.content)
    when.view(-1)[spots[found.kind != TOWERS]] = 7
    hidden = images.around(owner, found.tower, (when, torch.full((40,), 7.0))).flatten(1)
    fine = found.kind != TOWERS
    assert float(hidden[fine].sum()) == 0
    torch.testing.assert_close(hidden[~fine], seen[~fine])


@pytest.mark.parametrize("network", ["law_of_strength", "to_tower", "law_of_pixel"])
def test_one_after_another_is_the_same_as_all_at_once(
    jets: Events, task: HitsTask, network: str
) -> None:
    data = task.dataset(jets)
    numbers = torch.from_numpy(data.numbers[:6]).clone()
    numbers[:, COUNTS] = torch.tensor([4.0, 6.0, 5.0])
    label, law = torch.ones(6), task.objects
    heard: list[Tensor] = []
    hook = getattr(law, network).register_forward_hook(lambda _m, _i, out: heard.append(out))
    shown = task.jets.shown(label, numbers)
    found = sample_objects(law, shown, numbers, torch.Generator().manual_seed(1))
    single = torch.stack(heard, 1)
    heard.clear()
    with torch.no_grad():
        law.log_prob(shown, numbers, found, torch.ones(6, 15, dtype=torch.bool))
    hook.remove()
    if network == "law_of_pixel":
        single = single[:, 4:]
    torch.testing.assert_close(heard[0], single.flatten(0, 1), atol=2e-5, rtol=1e-3)


def test_rules_of_objects(jets: Events, task: HitsTask) -> None:
    data = task.dataset(jets)
    numbers = torch.from_numpy(data.numbers)
    numbers = numbers[torch.argsort(-numbers[:, COUNTS].sum(1))]
    shown = task.jets.shown(torch.ones(len(numbers)), numbers)
    found = sample_objects(task.objects, shown, numbers, torch.Generator().manual_seed(2))
    counts = numbers[:, COUNTS].numpy().astype(int)
    for jet in range(0, len(numbers), 7):
        start = 0
        for kind, count in enumerate(counts[jet]):
            part = slice(start, start + count)
            assert np.all(found.kind[jet, part].numpy() == kind)
            place = found.tower[jet, part] * 25 + found.pixel[jet, part]
            assert len(set(place.tolist())) == count
            strength = found.strength[jet, part].numpy()
            assert np.all(strength >= float(task.objects.lowest[kind]))
            free = 1 if kind == TOWERS else 0
            assert np.all(np.diff(strength[free:]) <= 0)
            start += count


def test_sums_are_met(jets: Events, task: HitsTask) -> None:
    numbers = torch.from_numpy(task.dataset(jets).numbers[:40])
    numbers = numbers[torch.argsort(-numbers[:, COUNTS].sum(1))]
    shown = task.jets.shown(torch.ones(len(numbers)), numbers)
    found = sample_objects(task.objects, shown, numbers, torch.Generator().manual_seed(2))
    real = torch.arange(found.kind.shape[1]) < numbers[:, COUNTS].sum(1)[:, None]
    for kind in range(KINDS):
        energy = (found.strength.exp() * (real & (found.kind == kind))).sum(1)
        wanted = numbers[:, SUMS][:, kind]
        np.testing.assert_allclose(energy.numpy(), wanted.numpy(), rtol=2e-3, atol=0.5)
