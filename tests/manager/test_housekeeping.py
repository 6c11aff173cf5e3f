"""What has ended goes, what is still good stays. On the real database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from paas.apimachinery.models import AuditRecord
from paas.manager import runtime
from paas.manager.housekeeping import audit_prune, housekeep

NOW = datetime.now(UTC)


def record(name: str, *, days: int) -> None:
    AuditRecord.objects.create(
        at=NOW - timedelta(days=days), actor="ann", verb="create", resource="pods",
        name=name, allowed=True,
    )  # fmt: skip


def names() -> list[str]:
    return sorted(AuditRecord.objects.filter(actor="ann").values_list("name", flat=True))


def session(ends_at: datetime) -> str:
    one = SessionStore()
    one.create()
    key = str(one.session_key)
    Session.objects.filter(pk=key).update(expire_date=ends_at)
    return key


def test_old_audit_records_go_in_bounded_batches(platform_door) -> None:
    for number, days in enumerate((200, 150, 120, 91, 89, 1)):
        record(f"pod-{number}", days=days)
    before = NOW - timedelta(days=90)
    assert audit_prune(before=before, batch=1, batches=2) == 2
    assert names() == ["pod-2", "pod-3", "pod-4", "pod-5"]
    assert audit_prune(before=before) == 2
    assert names() == ["pod-4", "pod-5"]


def test_housekeeping_takes_sessions_and_records_that_are_over(
    platform_door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "door", lambda: platform_door)
    record("old", days=100)
    record("new", days=10)
    over, good = session(NOW - timedelta(days=1)), session(NOW + timedelta(days=1))
    housekeep(now=NOW)
    assert names() == ["new"]
    assert set(Session.objects.filter(pk__in=(over, good)).values_list("pk", flat=True)) == {good}
    Session.objects.filter(pk=good).delete()
