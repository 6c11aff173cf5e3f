import base64
import copy
import re
from html.parser import HTMLParser

from tests.webui.conftest import PLATFORM

ENV = "/projects/shop/applications/web/environment"


def container(cluster):
    found = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
    return copy.deepcopy(found["spec"]["template"]["spec"]["containers"][0])


def rows(client, *given):
    (seen,) = re.findall(r'name="seen" value="(\w+)"', client.get(ENV).content.decode())
    names, sources, values = zip(*given, strict=True)
    return {"seen": seen, "env_name": names, "env_source": sources, "env_value": values}


def test_the_variables_are_shown(web):
    page = web.get(ENV).content.decode()

    assert 'value="GREETING"' in page
    assert ">\nhi</textarea>" in page


def test_a_value_is_changed_added_and_removed(web, cluster):
    given = [("PORT", "value", "8080"), ("NEW", "value", "a=b"), ("", "value", "left out")]

    answer = web.post(ENV, rows(web, *given))

    assert answer["Location"] == ENV
    assert container(cluster)["env"] == [
        {"name": "PORT", "value": "8080"},
        {"name": "NEW", "value": "a=b"},
    ]


def test_a_secret_is_stored_and_never_shown(web, cluster):
    web.post(ENV, rows(web, ("API_KEY", "newSecret", "hunter2")))

    secret = cluster.get(PLATFORM, "secrets", "web-secrets", "shop")
    assert base64.b64decode(secret["data"]["API_KEY"]) == b"hunter2"
    reference = {"name": "web-secrets", "key": "API_KEY"}
    assert container(cluster)["env"] == [
        {"name": "API_KEY", "valueFrom": {"secretKeyRef": reference}}
    ]
    assert "hunter2" not in web.get(ENV).content.decode()
    assert "hunter2" not in web.get(ENV.replace("environment", "yaml")).content.decode()


def test_a_secret_that_is_kept_keeps_its_value(web, cluster):
    web.post(ENV, rows(web, ("API_KEY", "newSecret", "hunter2")))

    web.post(ENV, rows(web, ("API_KEY", "secret:web-secrets:API_KEY", ""), ("A", "value", "1")))

    secret = cluster.get(PLATFORM, "secrets", "web-secrets", "shop")
    assert base64.b64decode(secret["data"]["API_KEY"]) == b"hunter2"
    assert [one["name"] for one in container(cluster)["env"]] == ["API_KEY", "A"]


def test_a_new_secret_under_an_old_name_rolls_out_too(web, cluster):
    def template():
        found = cluster.get(PLATFORM, "deployments.apps", "web", "shop")
        return copy.deepcopy(found["spec"]["template"])

    web.post(ENV, rows(web, ("API_KEY", "newSecret", "one")))
    before = template()
    web.post(ENV, rows(web, ("API_KEY", "newSecret", "two")))

    assert template() != before


def test_a_config_map_is_offered_and_referred_to(web, cluster):
    cluster.create(
        PLATFORM,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "shop"},
            "data": {"mode": "fast"},
        },
    )
    assert "configMap:settings:mode" in web.get(ENV).content.decode()

    web.post(ENV, rows(web, ("MODE", "configMap:settings:mode", "")))

    reference = {"name": "settings", "key": "mode"}
    assert container(cluster)["env"] == [
        {"name": "MODE", "valueFrom": {"configMapKeyRef": reference}}
    ]


def test_a_name_that_cannot_be_is_asked_for_again(web, cluster):
    for name in ("a b", "a=b"):
        answer = web.post(ENV, rows(web, (name, "value", "1")))
        assert answer.status_code == 422
    twice = web.post(ENV, rows(web, ("A", "value", "1"), ("A", "value", "2")))

    assert twice.status_code == 422
    assert "is there twice" in twice.content.decode()
    assert ">\n2</textarea>" in twice.content.decode()
    assert container(cluster)["env"][-1]["name"] == "GREETING"


def test_two_people_do_not_overwrite_each_other(web, cluster):
    mine = rows(web, ("MINE", "value", "1"))
    web.post(ENV, rows(web, ("THEIRS", "value", "1")))

    answer = web.post(ENV, mine)

    assert answer.status_code == 409
    assert "Somebody else has changed" in answer.content.decode()
    assert container(cluster)["env"][0]["name"] == "THEIRS"


def test_a_viewer_sees_values_and_no_secret_to_choose(web, viewer):
    web.post(ENV, rows(web, ("API_KEY", "newSecret", "hunter2"), ("A", "value", "plain")))

    page = viewer.get(ENV).content.decode()
    assert "plain" in page
    assert "hunter2" not in page
    assert viewer.post(ENV, rows(viewer, ("B", "value", "1"))).status_code == 403


def set_env(cluster, *entries):
    found = copy.deepcopy(cluster.get(PLATFORM, "deployments.apps", "web", "shop"))
    found["spec"]["template"]["spec"]["containers"][0]["env"] = list(entries)
    cluster.update(PLATFORM, found)


class Shown(HTMLParser):
    """The rows of a page, as a browser would send them when nothing was typed."""

    def __init__(self, page):
        super().__init__()
        self.names, self.sources, self.values = [], [], []
        self.inside = False
        self.feed(page.split("<template")[0])

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if found.get("name") == "env_name":
            self.names.append(found["value"])
        elif tag == "select":
            self.sources.append("value")
        elif tag == "option" and "selected" in found:
            self.sources[-1] = found["value"]
        elif tag == "textarea":
            self.values.append("")
        self.inside = tag == "textarea"

    def handle_data(self, data):
        if self.inside:
            self.values[-1] += data

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "textarea"

    def rows(self):
        texts = [one.removeprefix("\n").replace("\r\n", "\n") for one in self.values]
        sent = [one.replace("\n", "\r\n") for one in texts]
        return zip(self.names, self.sources, sent, strict=True)


def test_saving_what_is_shown_changes_nothing(web, cluster):
    def reference(field, optional):
        kept = {"name": "missing", "key": "key", **optional}
        return {"valueFrom": {field: kept}}

    field = {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}
    before = [
        {"name": "LINES", "value": "\nfirst\n  second\n"},
        {"name": "DOS", "value": "one\r\ntwo"},
        {"name": "MISSING", **reference("configMapKeyRef", {})},
        {"name": "OPTIONAL", **reference("configMapKeyRef", {"optional": True})},
        {"name": "SECRET", **reference("secretKeyRef", {"optional": False})},
        {"name": "ADDRESS", **field},
    ]
    set_env(cluster, *before)

    answer = web.post(ENV, rows(web, *Shown(web.get(ENV).content.decode()).rows()))

    assert answer.status_code == 302
    assert container(cluster)["env"] == before


def test_a_reference_keeps_all_of_itself_under_a_new_name(web, cluster):
    kept = {"secretKeyRef": {"name": "missing", "key": "key", "optional": True}}
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}
    set_env(cluster, {"name": "A", "valueFrom": kept}, {"name": "B", "valueFrom": field})

    web.post(ENV, rows(web, ("C", "secret:missing:key", ""), ("D", "field:B", "")))

    assert container(cluster)["env"] == [
        {"name": "C", "valueFrom": kept},
        {"name": "D", "valueFrom": field},
    ]


def test_a_secret_of_several_lines_is_stored_as_it_was_typed(web, cluster):
    web.post(ENV, rows(web, ("KEY", "newSecret", "-----BEGIN\r\nabc\r\n")))

    secret = cluster.get(PLATFORM, "secrets", "web-secrets", "shop")
    assert base64.b64decode(secret["data"]["KEY"]) == b"-----BEGIN\nabc\n"
