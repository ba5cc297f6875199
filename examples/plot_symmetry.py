"""
Find a symmetry
===============

In the latent space of a VAE of digits there is a flow that turns them. Nobody told the search of
angles, or of pairs of images.
"""

import calovision as cv

digits = cv.simulate.digits((1, 2))
found = cv.pretrained("symmetry").discover(digits)
print(found.verdict)
found.plot_orbit(digits.images[digits.test][-4:])
