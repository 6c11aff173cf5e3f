"""Field selectors: what each kind offers, and that nothing else is taken."""

import pytest
from django.conf import settings

from paas.apimachinery.selectable import check_selectable
from paas.core.errors import BadRequestError
from paas.core.selectors import parse_field_selector
from paas.manager.scheme import build_scheme

SCHEME = build_scheme(settings.MINATO)


@pytest.mark.parametrize("kind", list(SCHEME), ids=lambda kind: kind.resource)
def test_every_kind_offers_its_own_fields_and_its_name(kind):
    for path in ("metadata.name", "metadata.namespace", *kind.fields({})):
        check_selectable(kind, parse_field_selector(f"{path}=x"))
    with pytest.raises(BadRequestError):
        check_selectable(kind, parse_field_selector("metadata.name=x,status.phse=x"))


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("builds.build.openshift.io", "status"),
        ("events", "involvedObject.fieldPath"),
        ("pods", "spec.nodeName"),
        ("routes.route.openshift.io", "spec.host"),
    ],
)
def test_what_clients_select_by_is_offered(resource, path):
    check_selectable(SCHEME.kind_of(resource), parse_field_selector(f"{path}!=x"))
