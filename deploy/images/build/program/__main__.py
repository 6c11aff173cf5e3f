"""`python3 /usr/lib/minato-build clone|build`: the two containers of a build pod."""

import os
import signal
import sys

from minato_build.build import build
from minato_build.clone import clone
from minato_build.report import run_reporting

TERMINATED = 143
# without a handler the first process of a container is not ended by this signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))
sys.exit(run_reporting({"clone": clone, "build": build}[sys.argv[1]]))
