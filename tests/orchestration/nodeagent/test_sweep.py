"""What a look over the machine takes for left over."""

import threading

from tests.orchestration.nodeagent.lab import PATIENCE_S
from tests.orchestration.nodeagent.pods import FakeNetwork, pod


class SlowNetwork(FakeNetwork):
    """Lets a pod start while a sweep asks for the addresses."""

    def __init__(self):
        super().__init__()
        self.meanwhile = None

    def addresses(self):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().addresses()


def test_a_pod_that_starts_during_a_sweep_is_not_left_over(lab):
    network, over = SlowNetwork(), threading.Event()
    lab.stop()
    lab.network = network
    lab.start()

    def meanwhile():
        lab.create(pod())
        lab.until_ready()
        network.meanwhile = over.set  # the next sweep: this one's keys were queued before

    network.meanwhile = meanwhile
    lab.agent.sweep_now()
    lab.until_ready()
    lab.agent.sweep_now()
    assert over.wait(PATIENCE_S)
    lab.create(pod("next"))
    lab.until_ready("next")
    assert network.detached == []
    assert lab.reasons() == ["Pulled", "Created", "Started"] * 2
