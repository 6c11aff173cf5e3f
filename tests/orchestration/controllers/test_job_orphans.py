"""A pod that its Job let go is released when the Job is gone, in whatever order that is seen."""

from paas.apimachinery.engine.client import Client
from paas.apimachinery.engine.context import Context
from paas.apimachinery.engine.events import EventSink
from paas.apimachinery.engine.informers import Informers
from paas.apimachinery.scheme import Scheme
from paas.core.objects import ObjectKey, uid_of
from paas.orchestration.controllers.job.controller import Jobs
from paas.orchestration.controllers.job.names import FINALIZER
from paas.orchestration.kinds import KINDS
from tests.fakes.door import FakeDoor
from tests.images.people import ADMIN
from tests.orchestration.controllers.jobs import job
from tests.orchestration.controllers.world import BOUND_S


def test_a_job_that_is_gone_names_the_pods_that_it_had_let_go():
    door = FakeDoor(Scheme(KINDS))
    gone = door.create(ADMIN, job())
    metadata = {"name": "work-1", "namespace": "shop", "finalizers": [FINALIZER]}
    left = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}
    uid = uid_of(door.create(ADMIN, left))
    informers = Informers(door, ADMIN)
    _, released = Jobs(Context(door, informers, EventSink(Client(door, ADMIN)))).controllers()
    informers.start()
    assert informers.wait_synced(BOUND_S)
    named = [key for source in released.sources[1:] for key in source.keys_of(gone, None)]
    assert named == [ObjectKey("pods", "shop", "work-1", uid)]
    assert informers.stop()
