from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch

from calovision.training.devices import peak_memory_mb

CHILD = "import torch; from calovision.training.devices import peak_memory_mb as p; "
CHILD += "print(p(torch.device('cpu')))"


def test_the_peak_is_that_of_the_process_itself() -> None:
    before = peak_memory_mb(torch.device("cpu"))
    assert np.ones(200_000_000).sum() == 2e8  # 1.6 GB
    assert peak_memory_mb(torch.device("cpu")) > max(before, 1600)
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert 50 < float(done.stdout) < 1600
