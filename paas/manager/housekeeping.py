"""Forgets what has ended: the old part of the change log, tokens, sessions, audit records."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from paas.accounts.services import tokens_expire
from paas.apimachinery.models import AuditRecord
from paas.manager import runtime

CHANGES_KEPT = timedelta(hours=1)
AUDIT_BATCH, AUDIT_BATCHES = 5000, 20
"""How many records go in one transaction, and in one run: the rest goes in the next."""


def housekeep(*, now: datetime) -> None:
    """Do all of it; safe to repeat."""
    runtime.door().store.compact(before=now - CHANGES_KEPT)
    tokens_expire(now=now)
    SessionStore.clear_expired()
    audit_prune(before=now - timedelta(days=settings.MINATO_AUDIT_KEPT_DAYS))


def audit_prune(*, before: datetime, batch: int = AUDIT_BATCH, batches: int = AUDIT_BATCHES) -> int:
    """Delete the oldest audit records of before a moment, bounded; return how many."""
    gone = 0
    for _ in range(batches):
        old = AuditRecord.objects.filter(at__lt=before).order_by("at")
        ids = list(old.values_list("pk", flat=True)[:batch])
        gone += AuditRecord.objects.filter(pk__in=ids).delete()[0]
        if len(ids) < batch:
            break
    return gone
