"""Symmetries of a latent space, found as flows: any encoder and decoder, any oracle.

:mod:`space` says what is needed; :mod:`isometry` finds a generator, :mod:`linear` and
:mod:`refine` its action on images, :mod:`group_vae` a latent space on which it acts by turning;
:mod:`frame` finds further generators, :mod:`lie` says how they commute.
"""
