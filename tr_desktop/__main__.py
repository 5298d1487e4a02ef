"""`python -m tr_desktop` is `tr-desktop`."""

import sys

from tr_desktop.commands.main import main

sys.exit(main())
