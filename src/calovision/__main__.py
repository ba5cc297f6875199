"""``python -m calovision``: the command line."""

from calovision.cli.app import main

if __name__ == "__main__":
    main()
