"""What an application is made of."""

import pytest

from paas.catalog.objects import application_objects
from paas.catalog.specs import ApplicationSpec, GitSource

SPECS = {
    "push": ApplicationSpec("web", "shop"),
    "git": ApplicationSpec("web", "shop", git=GitSource("https://example.org/web.git")),
    "image": ApplicationSpec("web", "shop", image="quay.io/a/b:1"),
}


def deployment(spec):
    objects = application_objects(spec, git_base_url="https://git.localhost:8443")
    (found,) = [one for one in objects if one["kind"] == "Deployment"]
    return found


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_roll_out_that_fails_goes_back_by_itself_after_two_minutes(spec):
    made = deployment(spec)

    assert made["metadata"]["annotations"]["minato.io/auto-rollback"] == "true"
    assert made["spec"]["progressDeadlineSeconds"] == 120


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_no_pod_is_made_before_there_is_an_image(spec):
    assert deployment(spec)["spec"].get("paused", False) is not bool(spec.image)
