"""The work queue keeps each key once, apart, and waiting as long as it should."""

import threading

from paas.apimachinery.engine.queue import Backoff, WorkQueue
from paas.core.objects import ObjectKey

WEB = ObjectKey("pods", "shop", "web", "1")
DB = ObjectKey("pods", "shop", "db", "2")


class FakeClock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_key_added_twice_is_taken_once():
    queue = WorkQueue()
    queue.add(WEB)
    queue.add(WEB)
    assert queue.get(0) == WEB
    assert queue.get(0) is None


def test_keys_are_taken_in_the_order_they_came():
    queue = WorkQueue()
    queue.add(WEB)
    queue.add(DB)
    assert [queue.get(0), queue.get(0)] == [WEB, DB]


def test_a_key_at_work_is_not_taken_by_a_second_worker_but_comes_back_after():
    queue = WorkQueue()
    queue.add(WEB)
    assert queue.get(0) == WEB
    queue.add(WEB)
    assert queue.get(0) is None
    queue.done(WEB)
    assert queue.get(0) == WEB


def test_a_key_that_is_done_does_not_come_back_by_itself():
    queue = WorkQueue()
    queue.add(WEB)
    assert queue.get(0) == WEB
    queue.done(WEB)
    assert queue.get(0) is None


def test_a_delayed_key_comes_when_it_is_due_and_the_earliest_delay_holds():
    clock = FakeClock()
    queue = WorkQueue(clock=clock)
    queue.add_after(WEB, 10)
    queue.add_after(WEB, 5)
    queue.add_after(WEB, 20)
    assert queue.get(0) is None
    clock.now += 5
    assert queue.get(0) == WEB
    queue.done(WEB)
    clock.now += 100
    assert queue.get(0) is None


class RestlessClock:
    """Moves on at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.4
        return self.now


def test_a_key_that_becomes_due_while_a_worker_looks_is_taken_and_ends_no_worker():
    queue = WorkQueue(clock=RestlessClock())
    for _ in range(5):
        queue.add_after(WEB, 0.5)  # due after the look at what is due, before that at the wait
        assert queue.get() == WEB
        queue.done(WEB)


def test_a_key_with_a_delay_may_be_added_at_once_as_well():
    clock = FakeClock()
    queue = WorkQueue(clock=clock)
    queue.add_after(WEB, 10)
    queue.add(WEB)
    assert queue.get(0) == WEB
    queue.done(WEB)
    clock.now += 10
    assert queue.get(0) == WEB


def test_each_failure_in_a_row_waits_twice_as_long_up_to_the_bound():
    queue = WorkQueue(backoff=Backoff(base_s=0.005, max_s=0.03))
    assert [queue.retry(WEB) for _ in range(5)] == [0.005, 0.01, 0.02, 0.03, 0.03]
    assert queue.failures(WEB) == 5
    queue.forget(WEB)
    assert queue.retry(WEB) == 0.005


def test_the_default_backoff_is_that_of_client_go():
    backoff = Backoff()
    assert backoff.delay_s(1) == 0.005
    assert backoff.delay_s(100) == 1000.0


def test_closing_wakes_a_waiting_worker():
    queue = WorkQueue()
    got = []
    worker = threading.Thread(target=lambda: got.append(queue.get()))
    worker.start()
    queue.close()
    worker.join(60)
    assert got == [None]


def test_adding_wakes_a_worker_that_waits_for_a_later_delay():
    queue = WorkQueue()
    queue.add_after(DB, 3600)
    got = []
    worker = threading.Thread(target=lambda: got.append(queue.get()))
    worker.start()
    queue.add(WEB)
    worker.join(60)
    assert got == [WEB]


def test_many_workers_never_hold_the_same_key_together():
    queue = WorkQueue()
    keys = [ObjectKey("pods", "shop", f"p{n}") for n in range(5)]
    held, clashes, taken = set(), [], []
    lock = threading.Lock()

    def work():
        while (key := queue.get()) is not None:
            with lock:
                if key in held:
                    clashes.append(key)
                held.add(key)
                taken.append(key)
                finished = len(taken) >= 500
            with lock:
                held.discard(key)
            queue.done(key)
            queue.add(key)
            if finished:
                queue.close()

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for key in keys:
        queue.add(key)
    for worker in workers:
        worker.join(60)
    assert clashes == []
    assert len(taken) >= 500


def test_the_counters_tell_depth_waits_and_retries():
    clock = FakeClock()
    queue = WorkQueue(clock=clock)
    queue.add(WEB)
    queue.add(DB)
    clock.now += 2
    assert queue.get(0) == WEB
    clock.now += 3
    queue.retry(WEB)
    queue.done(WEB)
    seen = queue.metrics()
    assert (seen.depth, seen.delayed, seen.adds, seen.retries, seen.taken) == (1, 1, 2, 1, 1)
    assert (seen.waited_s, seen.worked_s) == (2.0, 3.0)
