"""The program `dispatcher`, with simulated storage."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dispatch.simulated_storage import SimulatedStorage
from osm3s.cli.dispatcher import main

sys.exit(main(None, SimulatedStorage))
