"""The lab of the node agent's tests, on the fake runtime."""

import pytest

from tests.fakes.runtime import FakeRuntime
from tests.orchestration.nodeagent.lab import Lab
from tests.orchestration.nodeagent.pods import IMAGE, FakeNetwork


@pytest.fixture
def runtime():
    """Give a fake runtime that has the image."""
    fake = FakeRuntime()
    fake.image_add(IMAGE)
    return fake


@pytest.fixture
def lab(tmp_path, runtime):
    """Give a running agent on fakes."""
    lab = Lab(tmp_path, runtime, FakeNetwork())
    lab.start()
    yield lab
    lab.stop()
    runtime.stop()  # ends the event stream, and with it the listener's thread
