"""Quark or gluon? An exported tagger on images, with numpy and ONNX Runtime alone.

    calovision export runs/tagger --out tagger.onnx
    python examples/tag_with_onnxruntime.py tagger.onnx images.npy

``images.npy`` holds ``(n, 3, 125, 125)`` energies in GeV per pixel: track, ECAL, HCAL.
"""

import json
import sys

import numpy as np
import onnxruntime

model, images = onnxruntime.InferenceSession(sys.argv[1]), np.load(sys.argv[2])
about = json.loads(model.get_modelmeta().custom_metadata_map["calovision"])
rows, cols = about["geometry"]["rows"], about["geometry"]["cols"]
events, columns = len(images), ([], [], [], [], [])
for number, channel in enumerate(about["geometry"]["channels"]):
    block = channel["block"]  # a tower of 5 x 5 pixels is one hit, at its middle pixel
    cells = images[:, number, block // 2 :: block, block // 2 :: block] * block**2
    event, row, col = cells.nonzero()
    eta = (row * block + block // 2 - (rows - 1) / 2) * 0.0174
    phi = (col * block + block // 2 - (cols - 1) / 2) * 2 * np.pi / 360
    found = (event, eta, phi, cells[event, row, col], np.full(len(event), number))
    for column, values in zip(columns, found, strict=True):
        column.append(values)
event, *hits = (np.concatenate(column) for column in columns)
order = np.argsort(event, kind="stable")
counts = np.bincount(event, minlength=events)
rank = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
tables = {}
for name, values in zip(("eta", "phi", "energy", "channel"), hits, strict=True):
    channel = name == "channel"
    shape = (events, max(counts.max(), 1))
    tables[name] = np.full(shape, -1 if channel else 0, np.int64 if channel else np.float32)
    tables[name][event[order], rank] = values[order]
probability, _, foreign = model.run(None, tables)
for i in range(events):
    print(f"{i} {probability[i]:.6f}{' unlike the training jets' if foreign[i] else ''}")
