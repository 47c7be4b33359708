"""`python -m questline` does what `questline` does."""

import sys

from questline_worker.own_imports import keep_own_imports

keep_own_imports()  # `-m` has put the working directory first

from questline.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
