"""Where things are in a build pod; the platform mounts them so (`paas.builds.pods`)."""

from pathlib import Path

RUN = Path("/var/run/minato")
CLONE_PLAN = RUN / "clone" / "plan.json"
GIT_USERNAME = RUN / "clone" / "username"
GIT_PASSWORD = RUN / "clone" / "password"
BUILD_PLAN = RUN / "build" / "plan.json"
AUTH_FILE = RUN / "build" / "auth.json"
# not below /var/run: in an image that is a link, and the mount would miss what it names
CA_BUNDLE = Path("/etc/minato/ca/ca-bundle.crt")

WORKSPACE = Path("/workspace")
CHECKOUT = WORKSPACE / "source"
REVISION = WORKSPACE / "revision.json"
CONTEXT = WORKSPACE / "context"
UPLOAD = CONTEXT / "upload"

STORE = Path("/var/lib/containers")
NOTES = STORE / "minato"
"""What earlier builds of the project found out; only makes builds faster."""

TERMINATION = Path("/dev/termination-log")
