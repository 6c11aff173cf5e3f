import re

from django.test import Client


def test_every_answer_forbids_what_is_inline_or_from_elsewhere(signed_in):
    for client, path in ((Client(), "/sign-in"), (signed_in("ann"), "/projects")):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cache-Control"] == "no-store"


def test_no_page_has_anything_inline(web):
    for path in ("/sign-in", "/projects", "/projects/shop/applications/web", "/connect"):
        text = web.get(path).content.decode()

        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), path
        assert not re.search(r'(src|href)="(https?:)?//(?!web-shop)', text), path


def test_the_cookies_are_for_this_host_alone(cluster, person):
    person("ann")
    client = Client()
    client.post("/sign-in", {"username": "ann", "password": "correct horse battery"})
    client.get("/connect")

    for name in ("__Host-minato-session", "__Host-minato-csrf"):
        cookie = client.cookies[name]
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["path"] == "/"
        assert not cookie["domain"]
