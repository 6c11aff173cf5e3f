"""Annotations, labels and reasons of Deployments. Source: apps/v1, deployment.kubernetes.io."""

from typing import Final

from paas.core.wellknown import REJECTED_IMAGE, REJECTED_REASON, REJECTED_REVISION

HASH_LABEL: Final = "pod-template-hash"

REVISION: Final = "deployment.kubernetes.io/revision"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS: Final = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS: Final = "deployment.kubernetes.io/max-replicas"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

ROLLED_OUT: Final = "minato.io/rolled-out-at"
"""On a ReplicaSet: when all its replicas were available for the first time; such one is good."""

NOT_COPIED: Final = frozenset(
    {
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        LAST_APPLIED,
        ROLLED_OUT,
        REJECTED_REVISION,
        REJECTED_REASON,
        REJECTED_IMAGE,
    }
)
"""Annotations that a Deployment does not hand down to its ReplicaSets."""

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
REPLICA_FAILURE: Final = "ReplicaFailure"

SET_UPDATED: Final = "ReplicaSetUpdated"
SET_CREATE_ERROR: Final = "ReplicaSetCreateError"
SET_CREATED: Final = "NewReplicaSetCreated"
SET_FOUND: Final = "FoundNewReplicaSet"
SET_AVAILABLE: Final = "NewReplicaSetAvailable"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
PAUSED: Final = "DeploymentPaused"
RESUMED: Final = "DeploymentResumed"
ENOUGH: Final = "MinimumReplicasAvailable"
TOO_FEW: Final = "MinimumReplicasUnavailable"

NO_LIMIT: Final = 2**31 - 1
"""How apps/v1 spells "never" for a deadline or a history limit."""
