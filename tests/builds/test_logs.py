"""Logs on real PostgreSQL: written once, read live from any offset, never with a gap."""

import threading
import uuid

import pytest

from paas.apimachinery.database import Database
from paas.builds.logs import BuildLogs, LogLostError, LogWriter
from paas.builds.redaction import secret_forms

SECRETS = secret_forms(["correct horse"])
LIMIT = 1 << 20


@pytest.fixture
def logs(empty_database):
    database = Database(empty_database)
    yield BuildLogs(database)
    database.close()


@pytest.fixture
def uid():
    return str(uuid.uuid4())


def writer(logs, uid, limit=LIMIT):
    return LogWriter(logs, uid, SECRETS, limit_bytes=limit)


def test_a_log_is_read_from_any_offset(logs, uid):
    one = writer(logs, uid)
    for piece in (b"first\n", b"second\n", b"third\n"):
        one.write(piece)
    assert logs.read(uid).data == b"first\nsecond\nthird\n"
    assert logs.read(uid, 8).data == b"cond\nthird\n"
    assert logs.read(uid, 19).data == b""
    assert not logs.read(uid).complete
    logs.finish(uid)
    assert logs.read(uid, 19).complete
    assert logs.tail(uid, 6) == b"third\n"


def test_a_reader_sees_what_comes_and_ends_with_the_log(logs, uid):
    seen, got = [], threading.Event()

    def read():
        for piece in logs.follow(uid):
            seen.append(piece)
            got.set()

    thread = threading.Thread(target=read)
    thread.start()
    one = writer(logs, uid)
    one.write(b"hello\n")
    assert got.wait(60)
    one.write(b"world\n")
    logs.finish(uid)
    thread.join(60)
    assert not thread.is_alive()
    assert b"".join(seen) == b"hello\nworld\n"


def test_a_second_writer_goes_on_where_the_first_one_stopped(logs, uid):
    first = writer(logs, uid)
    first.write(b"a correct hor")
    first.write(b"se b")
    second = writer(logs, uid)
    second.write(b"a correct horse b and")
    second.write(b" more")
    assert logs.read(uid).data == b"a ******** b and more"
    with pytest.raises(LogLostError):
        first.write(b" and what the first one still has")


def test_a_log_is_bounded_and_says_so(logs, uid):
    one = writer(logs, uid, limit=10)
    one.write(b"0123456")
    one.write(b"789abcdef")
    one.write(b"lost")
    assert logs.read(uid).data.startswith(b"0123456789\n[the log is longer than 10 bytes")
    assert b"lost" not in logs.read(uid).data


def test_a_finished_log_takes_no_more(logs, uid):
    logs.finish(uid)
    with pytest.raises(LogLostError):
        writer(logs, uid).write(b"late")


def test_a_log_goes_with_its_build(logs, uid):
    writer(logs, uid).write(b"x")
    assert uid in logs.uids()
    logs.forget(uid)
    assert uid not in logs.uids()
    assert logs.read(uid).data == b""
