"""How an application is, as a table: the Deployment, its pods, its builds."""

import pytest

from paas.catalog.states import state_of


def deployment(*, available=0, updated=1, replicas=1, conditions=(), annotations=None, wanted=1):
    return {
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {"replicas": wanted},
        "status": {
            "availableReplicas": available,
            "updatedReplicas": updated,
            "replicas": replicas,
            "conditions": [*conditions],
        },
    }


def pod(reason, message=""):
    state = {"waiting": {"reason": reason, "message": message}}
    statuses = [{"name": "web", "state": state}]
    return {
        "metadata": {"name": "web-1"},
        "status": {"phase": "Pending", "containerStatuses": statuses},
    }


def build(phase, **status):
    return {"metadata": {"name": "web-1"}, "status": {"phase": phase, **status}}


AVAILABLE = {"type": "Available", "status": "True"}
LATE = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "It has timed out.",
}
AWAITS = {"minato.io/awaits-image": "true"}
OWN = {"metadata": {"annotations": {"minato.io/git-repository": "true"}}}
NO_IMAGE = "Pod web-1: container web: ErrImagePull: none/such: not found"


@pytest.mark.parametrize(
    ("state", "word", "detail"),
    [
        (state_of(deployment(available=1), [], None), "Running", "1 of 1 pods are ready."),
        (state_of(deployment(wanted=0), [], None), "Stopped", "Scaled to zero."),
        (state_of(deployment(), [], None), "Starting", "0 of 1 pods are ready."),
        (
            state_of(deployment(), [], None, [pod("ContainerCreating")]),
            "Starting",
            "0 of 1 pods are ready.",
        ),
        (
            state_of(deployment(), [], None, [pod("ErrImagePull", "none/such: not found")]),
            "Failed",
            NO_IMAGE,
        ),
        (
            state_of(
                deployment(available=1, replicas=2, conditions=[AVAILABLE]),
                [],
                None,
                [pod("ErrImagePull", "none/such: not found")],
            ),
            "Rolling",
            f"1 of 1 pods are ready. {NO_IMAGE}",
        ),
        (
            state_of(
                deployment(conditions=[LATE]),
                [],
                None,
                [pod("ErrImagePull", "none/such: not found")],
            ),
            "Failed",
            f"It has timed out. {NO_IMAGE}",
        ),
        (
            state_of(deployment(available=1, replicas=2, conditions=[LATE]), [], None),
            "Degraded",
            "The old version serves. It has timed out.",
        ),
        (state_of(deployment(annotations=AWAITS), [], OWN), "Waiting", "Push your code to begin."),
        (
            state_of(deployment(annotations=AWAITS), [build("Running")], OWN),
            "Building",
            "web-1 is being built.",
        ),
        (
            state_of(deployment(annotations=AWAITS), [build("Failed", message="No way.")], OWN),
            "Failed",
            "web-1 failed: No way.",
        ),
        (
            state_of(deployment(annotations=AWAITS), [build("Cancelled")], OWN),
            "Waiting",
            "web-1 was cancelled. Build or push again.",
        ),
    ],
)
def test_a_state_is_a_word_and_a_reason(state, word, detail):
    assert (state.word, state.detail) == (word, detail)
