"""How builds are called, labelled and annotated, as on OpenShift. Pure.

Source: openshift/api build/v1 consts; openshift/library-go build naming.
"""

from typing import Any

from paas.core.names import LABEL_MAX
from paas.core.numbers import parse_whole
from paas.core.objects import ApiObject, annotations_of, labels_of, name_of
from paas.core.wellknown import BUILD_CACHE_CLAIM

BUILDS = "builds.build.openshift.io"
CONFIGS = "buildconfigs.build.openshift.io"
STREAMS = "imagestreams.image.openshift.io"
API_VERSION = "build.openshift.io/v1"

CONFIG_LABEL = "openshift.io/build-config.name"
CONFIG_LABEL_SHORT = "buildconfig"
POLICY_LABEL = "openshift.io/build.start-policy"
BUILD_LABEL = "openshift.io/build.name"
NUMBER = "openshift.io/build.number"
POD_NAME = "openshift.io/build.pod-name"
CLONE_OF = "openshift.io/build.clone-of"
PAUSED = "openshift.io/build-config.paused"
STARTED_BY = "minato.io/started-by"
EGRESS_ONLY = "minato.io/egress-only"

NEW, PENDING, RUNNING = "New", "Pending", "Running"
COMPLETE, FAILED, ERROR, CANCELLED = "Complete", "Failed", "Error", "Cancelled"
WAITING = (NEW, PENDING, RUNNING)
ENDED = (COMPLETE, FAILED, ERROR, CANCELLED)

BUILDER_ACCOUNT = "builder"
CLONE_CONTAINER = "git-clone"
BUILD_CONTAINER = "sti-build"
CACHE_CLAIM = BUILD_CACHE_CLAIM


def build_name(config: str, number: int) -> str:
    """Return `<config>-<n>`."""
    return f"{config}-{number}"


def pod_name(build: ApiObject) -> str:
    """Return the name of a build's pod."""
    return f"{name_of(build)}-build"


def label_value(text: str) -> str:
    """Return a name as the value of a label, which holds 63 characters."""
    return text[:LABEL_MAX].rstrip("-._")


def config_of(build: ApiObject) -> str:
    """Return the name of the BuildConfig that a build came from; empty where there is none."""
    return annotations_of(build).get(CONFIG_LABEL) or labels_of(build).get(CONFIG_LABEL, "")


def number_of(build: ApiObject) -> int:
    """Return a build's number; 0 where it has none."""
    return parse_whole(annotations_of(build).get(NUMBER, "")) or 0


def phase_of(build: ApiObject) -> str:
    """Return the build's phase; a build that was just made is New."""
    return str(status_of(build).get("phase") or NEW)


def status_of(build: ApiObject) -> dict[str, Any]:
    """Return the build's status, or an empty dictionary that belongs to nobody."""
    found = build.get("status")
    return found if isinstance(found, dict) else {}


def has_ended(build: ApiObject) -> bool:
    """Say whether nothing more will happen to the build."""
    return phase_of(build) in ENDED


def is_cancelled(build: ApiObject) -> bool:
    """Say whether somebody wants the build to end."""
    return bool(status_of(build).get("cancelled"))
