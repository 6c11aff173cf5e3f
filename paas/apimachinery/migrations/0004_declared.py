"""The write function proves the definition of a custom resource, too.

What a create relies on may now be the CustomResourceDefinition that declares its resource. Its
name is the resource; it is in no namespace.
"""

from importlib import import_module

from django.db import migrations

_BEFORE: str = import_module("paas.apimachinery.migrations.0003_relied").WRITE
_NAMESPACE = "OR (c.resource = 'namespaces' AND c.name = p_namespace)"
_DECLARED = """
                    OR (c.resource = 'customresourcedefinitions.apiextensions.k8s.io'
                        AND c.name = p_resource)"""
WRITE = _BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1).replace(
    _NAMESPACE, _NAMESPACE + _DECLARED, 1
)


class Migration(migrations.Migration):
    """Replaces the function."""

    dependencies = [("apimachinery", "0003_relied")]
    operations = [migrations.RunSQL(WRITE, migrations.RunSQL.noop)]
