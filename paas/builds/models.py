"""The tables of this domain: who attends to a build, and what its log says.

`leases.py` and `logs.py` use them by SQL, from threads of their own; Django migrates them.
"""

from django.db import models


class BuildLease(models.Model):
    """A build that has begun and not ended: `holder` attends to it as long as it renews `until`.

    One build at a time has its project's store of layers, which the constraint says.
    """

    build_uid = models.UUIDField(primary_key=True)
    namespace = models.CharField(max_length=63, db_collation="C", unique=True)
    name = models.CharField(max_length=253, db_collation="C")
    holder = models.CharField(max_length=200)
    until = models.DateTimeField()

    class Meta:
        """Found by build."""

        db_table = "minato_build_lease"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} {self.holder}"


class BuildLog(models.Model):
    """The log of a build. `size` is how many bytes there are; `complete` that no more will come."""

    build_uid = models.UUIDField(primary_key=True)
    size = models.BigIntegerField(default=0)
    complete = models.BooleanField(default=False)

    class Meta:
        """Found by build."""

        db_table = "minato_build_log"

    def __str__(self) -> str:
        return f"{self.build_uid} {self.size}"


class BuildLogChunk(models.Model):
    """A piece of a log. `position` is the offset of its first byte."""

    log = models.ForeignKey(BuildLog, on_delete=models.CASCADE, db_column="build_uid")
    position = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        """In order of position, without gap or repeat."""

        db_table = "minato_build_log_chunk"
        constraints = [
            models.UniqueConstraint(fields=["log", "position"], name="minato_build_log_position")
        ]

    def __str__(self) -> str:
        return f"{self.log_id} {self.position}"
