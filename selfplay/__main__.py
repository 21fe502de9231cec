"""`python -m selfplay`: the same as the command `selfplay`."""

from __future__ import annotations

import sys

from selfplay.cli.app import app

if __name__ == "__main__":
    sys.exit(app(prog_name="selfplay"))
