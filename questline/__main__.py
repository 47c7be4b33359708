"""`python -m questline` does what `questline` does."""

import sys

from questline.cli import main

if __name__ == "__main__":
    sys.exit(main())
