from __future__ import annotations

import subprocess
import sys

ONE = "import torch; from calovision.training.devices import peak_memory_mb as peak; "
ONE += "import numpy as np; cpu = torch.device('cpu'); "
SHOWN = "print(peak(cpu), flush=True); "
LARGE = "np.ones(125_000_000).sum(); "  # 1 GB


def test_the_peak_is_that_of_the_process_itself() -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ONE + SHOWN!r}]); "
    script = ONE + SHOWN + LARGE + SHOWN + child
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    before, after, of_child = map(float, done.stdout.split())
    assert after > before + 900
    assert of_child < before + 100
