"""`python -m composite_runtime`."""

import sys

from composite_runtime.cli import main

sys.exit(main())
