"""``python -m xentara_nb.cli``: the same as ``xentara-nb``."""

from xentara_nb.cli import run

if __name__ == "__main__":
    run()
