"""``python -m xentara_nb.cli``: the same as ``xentara-nb``."""

import sys

from xentara_nb.cli import main

if __name__ == "__main__":
    sys.exit(main())
