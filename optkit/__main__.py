"""``python -m optkit``: see `optkit.testing.command`."""

import sys

from optkit.testing.command import main

if __name__ == "__main__":
    sys.exit(main())
