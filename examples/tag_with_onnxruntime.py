"""Quark or gluon? An exported tagger on images, with numpy and ONNX Runtime alone.

    calovision export --pretrained jet-tagger --out tagger.onnx
    python examples/tag_with_onnxruntime.py tagger.onnx images.npy

``images.npy`` holds ``(n, 3, 125, 125)`` energies in GeV per pixel: track, ECAL, HCAL.
"""

import json
import sys

import numpy as np
import onnxruntime

model = onnxruntime.InferenceSession(sys.argv[1])
about = json.loads(model.get_modelmeta().custom_metadata_map["calovision"])["geometry"]
for number, image in enumerate(np.load(sys.argv[2])):
    hits = [np.zeros((4, 1))]  # padding (channel -1), for an image may be empty
    for code, channel in enumerate(about["channels"]):
        block = channel["block"]  # a tower of 5 x 5 pixels is one hit, at its middle pixel
        cells = image[code, block // 2 :: block, block // 2 :: block] * block**2
        row, col = cells.nonzero()
        eta = (row * block + block // 2 - (about["rows"] - 1) / 2) * 0.0174
        phi = (col * block + block // 2 - (about["cols"] - 1) / 2) * 2 * np.pi / 360
        hits.append(np.stack([eta, phi, cells[row, col], np.full(len(row), code + 1)]))
    eta, phi, energy, code = np.hstack(hits)[:, None].astype(np.float32)
    tables = {"eta": eta, "phi": phi, "energy": energy, "channel": code.astype(np.int64) - 1}
    (probability,), _, (unlike,) = model.run(None, tables)
    print(f"{number} {probability:.6f}{' unlike the training jets' if unlike else ''}")
