from paas.apimachinery.options import Patch
from paas.core.actors import AUTHENTICATED, MASTERS, Actor, platform_actor

ROOT = Actor("system:admin", (MASTERS, AUTHENTICATED))
PLATFORM = platform_actor("test")
UIDS = "openshift.io/sa.scc.uid-range"


def namespace(**annotations):
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "p", "annotations": annotations},
    }


def test_nobody_brings_user_ids_of_their_own(platform_door):
    made = platform_door.create(ROOT, namespace(**{UIDS: "0/65536", "mine": "1"}))

    assert made["metadata"]["annotations"] == {"mine": "1"}


def test_nobody_changes_or_drops_what_was_allotted(platform_door):
    platform_door.create(PLATFORM, namespace(**{UIDS: "1000/65536"}))

    for value in ("0/65536", None):
        patch = Patch("merge", {"metadata": {"annotations": {UIDS: value, "mine": "1"}}})
        after = platform_door.patch(ROOT, "namespaces", "p", patch=patch)
        assert after["metadata"]["annotations"] == {UIDS: "1000/65536", "mine": "1"}
