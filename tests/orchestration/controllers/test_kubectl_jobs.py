"""What people do to Jobs and CronJobs, with every kubectl that we promise."""

import pytest

from paas.apiserver.app import ApiApplication, api_application
from tests.fakes.accounts import FakeAuthenticator
from tests.fakes.nodes import FakeNode
from tests.images.people import Members
from tests.orchestration.controllers.jobs import eventually, job_world

pytestmark = pytest.mark.postgres

TIMEOUT = "--timeout=90s"


@pytest.fixture(name="api_application")
def application(platform_door) -> ApiApplication:
    return api_application(platform_door, authenticator=FakeAuthenticator(), node=FakeNode())


@pytest.fixture
def shop(platform_door, every_kubectl):
    """Return kubectl in the namespace `shop`, where every program ends well."""
    Members(platform_door).project("shop")
    with job_world(platform_door) as world:
        world.run(lambda _pod: 0)
        yield lambda *arguments: str(every_kubectl("-n", "shop", *arguments))


def test_jobs_run_are_waited_for_and_go_with_their_pods(shop):
    shop("create", "job", "once", "--image=work:1", "--", "true")
    shop("wait", "job/once", "--for=condition=complete", TIMEOUT)
    cells = shop("get", "job", "once", "--no-headers").split()
    assert cells[0] == "once"
    assert "1/1" in cells
    assert "1 Succeeded / 0 Failed" in shop("describe", "job", "once")
    assert eventually(lambda: "SuccessfulCreate" in shop("describe", "job", "once"))
    pods = ["get", "pods", "-l", "job-name=once", "--no-headers", "--ignore-not-found"]
    assert "Completed" in shop(*pods)
    shop("delete", "job", "once", TIMEOUT)
    shop("wait", "pods", "-l", "job-name=once", "--for=delete", TIMEOUT)


def test_a_cron_job_is_made_and_run_by_hand(shop):
    shop("create", "cronjob", "tick", "--image=work:1", "--schedule=0 0 1 1 *", "--", "date")
    cells = shop("get", "cj", "tick", "--no-headers").split()
    assert cells[:6] == ["tick", "0", "0", "1", "1", "*"]
    shop("create", "job", "now", "--from=cronjob/tick")
    shop("wait", "job/now", "--for=condition=complete", TIMEOUT)
    assert "Schedule:" in shop("describe", "cronjob", "tick")
    shop("patch", "cronjob", "tick", "-p", '{"spec":{"suspend":true}}')
    suspended = shop("get", "cronjob", "tick", "-o", "jsonpath={.spec.suspend}")
    assert suspended == "true"
    shop("delete", "cronjob", "tick", TIMEOUT)
