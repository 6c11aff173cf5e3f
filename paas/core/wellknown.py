"""Labels and annotations that more than one part of the platform reads. Ours are `minato.io/…`."""

INSTANCE = "app.kubernetes.io/instance"
NAME = "app.kubernetes.io/name"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "minato"

IMAGE_TRIGGERS = "image.openshift.io/triggers"
BUILD_CONFIG_LABEL = "openshift.io/build-config.name"

AUTO_ROLLBACK = "minato.io/auto-rollback"
"""On a Deployment: go back to the last good revision when a roll-out does not progress."""

REJECTED_REVISION = "minato.io/rejected-revision"
REJECTED_REASON = "minato.io/rejected-reason"
REJECTED_IMAGE = "minato.io/rejected-image"
"""On a Deployment: JSON object, container name to the image reference that was rolled back.

The image trigger must not write these references again. The annotation goes when a roll-out with
one of them succeeds after all (somebody else set it), or when another one replaces it.
"""

AWAITS_IMAGE = "minato.io/awaits-image"
"""On a paused Deployment: its image trigger takes the pause away with the first image."""

GIT_REPOSITORY = "minato.io/git-repository"
"""On a BuildConfig: it has a repository of its own on the platform's git server."""

TRIGGERED_IMAGES = "minato.io/triggered-images"
"""On a Deployment and its ReplicaSets: JSON object, a trigger's fieldPath to the image that it
brought last and when that was tagged. ReplicaSets keep it over an undo, the Deployment does not."""

PATH_TYPE = "minato.io/path-type"
"""On a Route: `Exact` if it is for its very path and nothing below; an Ingress's path may be so."""

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""On a DaemonSet: how often its template has changed, from 1; the server counts."""

BUILD_CACHE_CLAIM = "minato-build-cache"
"""The claim by which build pods, and nobody else, mount their project's store of layers.

It is the node's own: there is no object of this name.
"""
