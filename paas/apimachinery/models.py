"""The tables of the store. The door uses them by SQL (`store.py`); Django migrates them.

`body` is the JSON text that is served, so that the database can put lists together and Python
parses an object only when it must. `labels` and `fields` are what selectors look at. The change
log has one row per write, in commit order, from which watches resume.
"""

from django.db import models


class StoredObject(models.Model):
    """One API object as it is now."""

    resource = models.CharField(max_length=128, db_collation="C")
    namespace = models.CharField(max_length=63, db_collation="C")
    name = models.CharField(max_length=253, db_collation="C")
    uid = models.UUIDField()
    resource_version = models.BigIntegerField()
    labels = models.JSONField()
    fields = models.JSONField()
    body = models.TextField()

    class Meta:
        """Unique by name within its resource and namespace."""

        db_table = "minato_object"
        constraints = [
            models.UniqueConstraint(
                fields=["resource", "namespace", "name"], name="minato_object_name"
            )
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.namespace}/{self.name}"


class Change(models.Model):
    """One write. The old labels and fields tell a selector what left its sight."""

    resource_version = models.BigIntegerField(primary_key=True)
    resource = models.CharField(max_length=128, db_collation="C")
    namespace = models.CharField(max_length=63, db_collation="C")
    name = models.CharField(max_length=253, db_collation="C")
    kind = models.CharField(max_length=1)
    at = models.DateTimeField()
    labels = models.JSONField()
    fields = models.JSONField()
    old_labels = models.JSONField()
    old_fields = models.JSONField()
    body = models.TextField()

    class Meta:
        """In commit order."""

        db_table = "minato_change"

    def __str__(self) -> str:
        return f"{self.resource_version} {self.kind} {self.resource} {self.namespace}/{self.name}"


class Compaction(models.Model):
    """One row: the newest resourceVersion that the log no longer has."""

    resource_version = models.BigIntegerField()

    class Meta:
        """One row, made by the migration."""

        db_table = "minato_compaction"

    def __str__(self) -> str:
        return str(self.resource_version)


class AuditRecord(models.Model):
    """Who did or was denied what, and when. Written in the transaction of the write it tells of."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=320)
    verb = models.CharField(max_length=32)
    resource = models.CharField(max_length=128)
    subresource = models.CharField(max_length=64, blank=True)
    namespace = models.CharField(max_length=63, blank=True)
    name = models.CharField(max_length=253, blank=True)
    allowed = models.BooleanField()
    reason = models.TextField(blank=True)
    source = models.CharField(max_length=64, blank=True)
    acting_as = models.TextField(blank=True, default="", db_default="")

    class Meta:
        """Read by project and by time."""

        db_table = "minato_audit"
        indexes = [
            models.Index(fields=["namespace", "-at"], name="minato_audit_project"),
            models.Index(fields=["-at"], name="minato_audit_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at} {self.actor} {self.verb} {self.resource} {self.name}"
