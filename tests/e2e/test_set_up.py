"""`minato up` as a person runs it: one command to a platform that answers."""

import base64
import json
import re
import ssl

import httpx
import pytest

from tests.e2e.machine import eventually, get, person, post
from tests.fixtures.platform import Platform

pytestmark = pytest.mark.timeout(2400)


def test_up_prints_the_urls_and_the_first_login_once(platform: Platform):
    said = platform.first_up
    assert f"https://console.localhost:{platform.instance.https_port}" in said
    assert re.search(r"First login: admin / \S{12,}", said)


def test_up_shows_a_sample_that_has_its_config_map_and_its_secret(platform, tmp_path):
    printed = re.search(r"Sample +(https://\S+)", platform.first_up)
    assert printed
    url = printed[1]
    assert "Welcome to the harbour" in get(platform, url).text
    gus = person(platform, "gus", tmp_path / "gus", admin=True)
    secret = gus.json("-n", "sample", "get", "secret", "guestbook")["data"]["MODERATOR_WORD"]
    post(platform, url, name="Gus", text="Was here")
    assert "Was here" in get(platform, url).text

    assert post(platform, f"{url}/clear", word="guessed").status_code == 403
    assert "Was here" in get(platform, url).text
    cleared = post(platform, f"{url}/clear", word=base64.b64decode(secret).decode())
    assert cleared.status_code == 302
    assert "Was here" not in get(platform, url).text
    eventually(lambda: "guestbook-" in gus.tool().run("top", "pod", "-n", "sample").out)


def test_status_is_ready_and_every_process_tells_its_version(platform: Platform):
    done = platform.minato("status", "-o", "json")
    body = json.loads(done.stdout)
    assert (done.returncode, body["ready"]) == (0, True)
    assert len(body["processes"]) == 11
    for process in body["processes"]:
        assert process["healthy"] is True, process
        assert process["pid"] > 0, process
        assert process["version"], process


def test_a_second_up_shows_no_password_and_restarts_nothing(platform: Platform):
    def pids() -> dict[str, int]:
        body = json.loads(platform.minato("status", "-o", "json").stdout)
        return {process["name"]: process["pid"] for process in body["processes"]}

    before = pids()
    done = platform.minato("up")
    assert done.returncode == 0, done.stdout
    assert "First login" not in done.stdout
    assert pids() == before


def test_the_api_answers_over_tls_that_this_machine_trusts(platform: Platform):
    context = ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt")
    place = platform.instance.url(platform.instance.api_host)
    with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
        assert client.get(f"{place}/livez").status_code == 200
