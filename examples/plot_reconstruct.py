"""
Compress and rebuild a jet
==========================

The VAE that comes with the package squeezes a jet image of 46,875 pixels into 1,024 numbers. Here
it rebuilds jets that it has never seen.
"""

import calovision as cv

jets = cv.simulate.jets(20, seed=22)
rebuilt = cv.pretrained("jet-vae").reconstruct(jets, seed=1)
print(f"{rebuilt.latent.shape[1]} numbers, {rebuilt.bits.mean():.0f} bits a jet")
jets.plot([0, 1], beside=rebuilt.events)
