"""A student of a flow: it ends where its teacher does, in fewer steps."""

from __future__ import annotations

import copy

import torch

from calovision.events.events import Events
from calovision.models.config import load_config
from calovision.models.generators.flow_matching import follow, matching_loss
from calovision.models.generators.splitting.reflow import reflow
from calovision.models.generators.splitting.task import CascadeTask
from calovision.models.load import build


def curved(jets: Events) -> CascadeTask:
    sizes = {"width": 16, "head": 8, "flow": 48, "steps": 2, "select": 0}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        task = build(load_config("jet-generator", "cascade", overrides=sizes), jets.geometry, jets)
        assert isinstance(task, CascadeTask)
        torch.nn.init.normal_(task.flow.leave.weight, std=0.5)
    return task


def test_one_step_of_the_student_ends_where_the_teacher_does(toy_jets: Events) -> None:
    task = curved(toy_jets)
    teacher = copy.deepcopy(task.flow)
    reflow(task, 400, quiet=True)
    noise = torch.randn(500, task.knots.shape[0], generator=torch.Generator().manual_seed(2))
    label = (torch.arange(500) % 2).float()[:, None]
    with torch.no_grad():
        end = follow(lambda x, t: teacher(x, t, label), noise, 50)
        away = [
            float((follow(lambda x, t, f=f: f(x, t, label), noise, 1) - end).pow(2).mean())  # type: ignore[misc]
            for f in (teacher, task.flow)
        ]
    assert away[1] < 0.6 * away[0]


def test_the_same_seed_gives_the_same_student(toy_jets: Events) -> None:
    students = []
    for _ in range(2):
        task = curved(toy_jets)
        reflow(task, 3, quiet=True)
        students.append(task.flow.state_dict())
    assert all(torch.equal(students[0][k], students[1][k]) for k in students[0])


def test_paths_may_be_given_both_ends() -> None:
    data, noise = torch.ones(64, 2), torch.zeros(64, 2)

    def straight(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(x)

    loss = matching_loss(straight, data, torch.Generator().manual_seed(1), noise)
    assert float(loss) == 0
