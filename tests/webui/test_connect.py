import pytest
import yaml
from django.test import Client

from paas.accounts.authentication import Authenticator
from paas.accounts.models import Token

pytestmark = pytest.mark.usefixtures("authority")


def test_a_token_is_shown_once_and_works(signed_in, platform_door):
    client = signed_in("ann")

    page = client.post("/connect", {"name": "laptop", "hours": "24"}).content.decode()
    text = page.split('id="token">')[1].split("<")[0]

    assert Authenticator(platform_door).authenticate(text).name == "ann"
    assert f"--token={text}" in page
    assert 'aria-label="Copy Token"' in page
    assert text not in client.get("/connect").content.decode()
    assert "laptop" in client.get("/connect").content.decode()


def test_a_token_of_no_length_is_refused(signed_in):
    client = signed_in("ann")

    assert client.post("/connect", {"name": "laptop", "hours": "999999"}).status_code == 422
    assert client.post("/connect", {"name": "", "hours": "24"}).status_code == 422
    assert not Token.objects.exists()


def test_a_person_revokes_their_own_tokens_only(signed_in):
    ann, bob = signed_in("ann"), signed_in("bob")
    ann.post("/connect", {"name": "laptop", "hours": "24"})
    row = Token.objects.get()

    bob.post(f"/connect/tokens/{row.pk}/revoke")
    assert Token.objects.filter(pk=row.pk).exists()
    ann.post(f"/connect/tokens/{row.pk}/revoke")
    assert not Token.objects.filter(pk=row.pk).exists()


def test_the_kubeconfig_signs_its_person_in(signed_in, platform_door):
    answer = signed_in("ann").post("/connect/kubeconfig")
    config = yaml.safe_load(answer.content)

    assert answer["Content-Disposition"] == 'attachment; filename="kubeconfig"'
    assert config["clusters"][0]["cluster"]["tls-server-name"] == "api.localhost"
    token = config["users"][0]["user"]["token"]
    assert Authenticator(platform_door).authenticate(token).name == "ann"


def test_the_authority_is_for_everybody_before_anything_is_trusted():
    answer = Client().get("/ca.crt")

    assert answer.status_code == 200
    assert answer.content.startswith(b"-----BEGIN CERTIFICATE-----")


def test_the_page_that_hands_it_out_needs_no_sign_in():
    page = Client().get("/trust").content.decode()

    assert "curl -k -o minato-ca.crt https://console.localhost:8443/ca.crt" in page
    for client in ("update-ca-certificates", "http.&quot;https", "certs.d", "nssdb"):
        assert client in page


def test_the_page_says_how_to_push_and_pull_an_image(signed_in):
    page = signed_in("ann").get("/connect").content.decode()

    image = "registry.localhost:8443/PROJECT/NAME:TAG"
    for line in (f"podman tag IMAGE {image}", f"podman push {image}", f"podman pull {image}"):
        assert line in page
