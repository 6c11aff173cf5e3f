"""The write function proves what its caller has read from memory.

`p_relied` are resources of which the writer has read what is in its namespace, as of a version. It
is asked under the lock that orders the writes, so that nothing can change between question and
write; -1 says that something has. The function of before stays, for processes that still run.
"""

from django.db import migrations

WRITE = """
CREATE FUNCTION minato_write(
    p_kind text, p_resource text, p_namespace text, p_name text, p_uid uuid, p_expected bigint,
    p_head text, p_tail text, p_labels jsonb, p_fields jsonb, p_audit jsonb,
    p_as_of bigint, p_relied text[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
    v_labels jsonb := '{}';
    v_fields jsonb := '{}';
    v_version bigint;
    v_body text;
BEGIN
    IF p_kind <> 'A' THEN
        SELECT o.id, o.labels, o.fields INTO v_id, v_labels, v_fields FROM minato_object o
         WHERE o.resource = p_resource AND o.namespace = p_namespace AND o.name = p_name
           AND o.uid = p_uid AND o.resource_version = p_expected
           FOR UPDATE;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(7073);
    IF p_relied IS NOT NULL AND (
        EXISTS (
            SELECT 1 FROM minato_change c
             WHERE c.resource_version > p_as_of AND c.resource = ANY(p_relied)
               AND (c.namespace = p_namespace
                    OR (c.resource = 'namespaces' AND c.name = p_namespace))
        )
        OR EXISTS (SELECT 1 FROM minato_compaction WHERE resource_version > p_as_of)
    ) THEN
        RETURN -1;
    END IF;
    v_version := nextval('minato_resource_version');
    v_body := p_head || v_version || p_tail;
    IF p_kind = 'A' THEN
        INSERT INTO minato_object
            (resource, namespace, name, uid, resource_version, labels, fields, body)
        VALUES (p_resource, p_namespace, p_name, p_uid, v_version, p_labels, p_fields, v_body);
    ELSIF p_kind = 'M' THEN
        UPDATE minato_object SET resource_version = v_version, labels = p_labels,
               fields = p_fields, body = v_body
         WHERE id = v_id;
    ELSE
        DELETE FROM minato_object WHERE id = v_id;
    END IF;
    INSERT INTO minato_change
        (resource_version, resource, namespace, name, kind, at, labels, fields,
         old_labels, old_fields, body)
    VALUES (v_version, p_resource, p_namespace, p_name, p_kind, clock_timestamp(), p_labels,
            p_fields, v_labels, v_fields, v_body);
    IF p_audit IS NOT NULL THEN
        INSERT INTO minato_audit
            (at, actor, verb, resource, subresource, namespace, name, allowed, reason, source)
        SELECT clock_timestamp(), a.actor, a.verb, a.resource, a.subresource, a.namespace,
               a.name, true, '', a.source
          FROM jsonb_to_record(p_audit) AS a(actor text, verb text, resource text,
               subresource text, namespace text, name text, source text);
    END IF;
    PERFORM pg_notify('minato', '');
    RETURN v_version;
END $$;

CREATE OR REPLACE FUNCTION minato_write(
    p_kind text, p_resource text, p_namespace text, p_name text, p_uid uuid, p_expected bigint,
    p_head text, p_tail text, p_labels jsonb, p_fields jsonb, p_audit jsonb
) RETURNS bigint LANGUAGE sql AS $$
    SELECT minato_write(p_kind, p_resource, p_namespace, p_name, p_uid, p_expected, p_head, p_tail,
                        p_labels, p_fields, p_audit, NULL, NULL)
$$;
"""


class Migration(migrations.Migration):
    """Adds the function with two parameters more."""

    dependencies = [("apimachinery", "0002_write")]
    operations = [migrations.RunSQL(WRITE, migrations.RunSQL.noop)]
