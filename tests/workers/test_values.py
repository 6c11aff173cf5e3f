"""What a build is given: a token for two repositories, values that somebody refers to."""

from typing import Any

import pytest

from paas.core.registry import INTERNAL_REGISTRY
from tests.workers.conftest import WAIT_S, Worker

BUILDER = f"{INTERNAL_REGISTRY}/openshift/python@sha256:{'a' * 64}"


def strategy(**fields: Any) -> dict[str, Any]:
    return {"strategy": {"sourceStrategy": {"from": builder(BUILDER), **fields}}}


def builder(name: str) -> dict[str, str]:
    return {"kind": "DockerImage", "name": name}


def test_the_token_is_for_the_builder_and_the_output_alone(worker: Worker) -> None:
    asked: list[dict[str, Any]] = []

    def token(grants: Any, **more: Any) -> str:
        asked.append({"grants": grants, **more})
        return "token"

    worker.take(token=token)
    one = worker.made(completionDeadlineSeconds=600, **strategy())
    attending = worker.attend(one)
    worker.pod_says(one, phase="Succeeded")
    attending.join(WAIT_S)
    assert asked == [
        {
            "grants": [
                ("openshift/python", frozenset({"pull"})),
                ("shop/web", frozenset({"pull", "push"})),
            ],
            "subject": "build:shop/web-1",
            "ttl_s": 720,
        }
    ]


@pytest.mark.parametrize("given", [{"output": {}}, {}])
def test_a_builder_elsewhere_and_no_output_need_no_right(worker: Worker, given: Any) -> None:
    asked: list[Any] = []

    def token(grants: Any, **_: object) -> str:
        asked.extend(grants)
        return "token"

    worker.take(token=token)
    one = worker.made(**given)
    attending = worker.attend(one)
    worker.pod_says(one, phase="Succeeded")
    attending.join(WAIT_S)
    assert [name for name, _ in asked] == ([] if given else ["shop/web"])


def test_the_images_of_a_project_that_gives_no_right_are_not_pulled(worker: Worker) -> None:
    name = f"{INTERNAL_REGISTRY}/other/python:1"
    one = worker.made(**strategy(**{"from": builder(name)}))
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Failed", "PullBuilderImageFailed")
    assert "may not pull from other/python" in status["message"]
    assert "system:image-puller" in status["message"]
    assert worker.pod(one) is None


@pytest.mark.parametrize("source", ["secretKeyRef", "configMapKeyRef"])
def test_a_value_that_is_not_there_fails_the_build_unless_it_is_optional(
    worker: Worker, source: str
) -> None:
    reference = {"name": "values", "key": "key"}
    variable = {"name": "API_KEY", "valueFrom": {source: reference}}
    one = worker.made(**strategy(env=[variable]))
    worker.drive(one)
    status = worker.status(one)
    assert (status["phase"], status["reason"]) == ("Failed", "UnresolvableEnvironmentVariable")
    assert "takes key of" in status["message"]
    assert "change spec.strategy.sourceStrategy.env" in status["message"]
    variable["valueFrom"] = {source: {**reference, "optional": True}}
    two = worker.made(2, **strategy(env=[variable]))
    worker.attend(two)
    worker.until(lambda: worker.pod(two))
