"""The audit log names whom somebody acted as; the write function passes it on.

Processes of before, whose records say nothing of it, still write.
"""

from importlib import import_module

from django.db import migrations, models

_BEFORE: str = import_module("paas.apimachinery.migrations.0004_declared").WRITE
WRITE = (
    _BEFORE.replace("allowed, reason, source)", "allowed, reason, source, acting_as)", 1)
    .replace("a.name, true, '', a.source", "a.name, true, '', a.source, coalesce(a.acting_as, '')")
    .replace("name text, source text)", "name text, source text, acting_as text)", 1)
)


class Migration(migrations.Migration):
    """Adds the column and replaces the function."""

    dependencies = [("apimachinery", "0004_declared")]
    operations = [
        migrations.AddField(
            model_name="auditrecord",
            name="acting_as",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.RunSQL(WRITE, migrations.RunSQL.noop),
    ]
