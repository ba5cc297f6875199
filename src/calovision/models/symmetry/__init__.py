"""Symmetries of a latent space, found as flows: any encoder and decoder, any oracle.

:mod:`space` says what is needed; :mod:`isometry` finds a generator, :mod:`linear` and
:mod:`refine` its action on images, :mod:`project` brings that back into the latent space;
:mod:`frame` finds further generators, :mod:`lie` says how they commute.
"""
