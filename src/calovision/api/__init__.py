"""The verbs of the package, one file each: what notebooks, scripts and the command line call."""
