"""The fixtures that other tests build on."""

import psycopg
import pytest
from django.db import connection

from tests.fixtures.postgres import Postgres

pytestmark = pytest.mark.postgres


def test_the_servers_role_is_no_superuser(postgres: Postgres):
    with psycopg.connect(postgres.dsn("postgres")) as db:
        row = db.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert row.fetchone() == (False, True)


@pytest.mark.django_db
def test_django_uses_the_test_runs_own_server(postgres: Postgres):
    assert connection.settings_dict["HOST"] == str(postgres.host)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        assert cursor.fetchone() == ("minato", "minato")
