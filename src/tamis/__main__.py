"""`python -m tamis` is the command line."""

import sys

from tamis.interfaces.cli.main import main

sys.exit(main())
