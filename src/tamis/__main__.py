"""`python -m tamis` is the command line."""

import sys

from tamis.faces.cli.main import main

sys.exit(main())
