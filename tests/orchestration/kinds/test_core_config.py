"""ConfigMaps, Secrets and ServiceAccounts."""

import base64
import json

import pytest

from paas.orchestration.kinds.core_config import CONFIG_MAP, SECRET, SERVICE_ACCOUNT
from tests.orchestration.kinds.objects import broken, lines, made, row

CREATED = "2026-01-02T03:04:05Z"


def config(**fields):
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": CREATED}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def secret(kind="", **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {**config(data=encoded), "kind": "Secret", **({"type": kind} if kind else {})}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"data": {"a.b": "1"}, "binaryData": {"c": "AA=="}}, []),
        (
            {"data": {"a b": "1"}},
            [
                'data[a b]: Invalid value: "a b": a valid config key must consist of '
                "alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
                "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            ],
        ),
        (
            {"data": {"..": "1"}},
            ["data[..]: Invalid value: \"..\": must not be '..'"],
        ),
        (
            {"data": {"a": "1"}, "binaryData": {"a": "AA=="}},
            ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
        ),
        (
            {"data": {"a": "x" * (1024 * 1024 + 1)}},
            [": Too long: may not be more than 1048576 bytes"],
        ),
    ],
)
def test_the_rules_of_a_config_map(fields, expected):
    assert broken(CONFIG_MAP, config(**fields)) == expected


def test_an_immutable_config_map_stays():
    old = config(data={"a": "1"}, immutable=True)
    assert lines(CONFIG_MAP.validate_update(config(data={"a": "2"}), old)) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]
    assert CONFIG_MAP.validate_update(old, config(data={"a": "1"})) == []


def test_a_secret_is_opaque_unless_it_says_so():
    assert made(SECRET, secret())["type"] == "Opaque"


def test_plain_strings_of_a_secret_are_encoded_and_forgotten():
    obj = made(SECRET, {**secret(old="1"), "stringData": {"new": "2"}})
    assert "stringData" not in obj
    assert obj["data"] == {"old": "MQ==", "new": "Mg=="}


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("example.com/own", {}, []),
        ("kubernetes.io/tls", {"tls.crt": "", "tls.key": ""}, []),
        (
            "kubernetes.io/tls",
            {},
            ["data[tls.crt]: Required value", "data[tls.key]: Required value"],
        ),
        ("kubernetes.io/basic-auth", {"password": "x"}, []),
        (
            "kubernetes.io/basic-auth",
            {},
            ["data[username]: Required value", "data[password]: Required value"],
        ),
        ("kubernetes.io/ssh-auth", {}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {}, ["data[.dockerconfigjson]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": json.dumps({"auths": {}})}, []),
        (
            "kubernetes.io/service-account-token",
            {},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
    ],
)
def test_each_type_of_secret_has_its_keys(kind, data, expected):
    assert broken(SECRET, secret(kind, **data)) == expected


def test_the_contents_of_a_bad_secret_are_not_shown():
    (line,) = broken(
        SECRET, secret("kubernetes.io/dockerconfigjson", **{".dockerconfigjson": "hunter2"})
    )
    assert line.startswith('data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": ')
    assert "hunter2" not in line


def test_the_type_of_a_secret_stays():
    old, new = made(SECRET, secret()), made(SECRET, secret("example.com/own"))
    assert lines(SECRET.validate_update(new, old)) == [
        'type: Invalid value: "example.com/own": field is immutable'
    ]


def test_secrets_are_sealed_and_selected_by_type():
    assert SECRET.sealed == ("data",)
    assert SECRET.fields(secret("example.com/own")) == {"type": "example.com/own"}


def test_the_columns_count_keys():
    both = config(data={"a": "1"}, binaryData={"b": "AA=="})
    assert row(CONFIG_MAP, both) == {"Name": "web", "Data": 2, "Age": CREATED}
    assert row(SECRET, secret("t", a="1")) == {
        "Name": "web",
        "Type": "t",
        "Data": 1,
        "Age": CREATED,
    }
    account = {**config(), "kind": "ServiceAccount", "secrets": [{"name": "s"}]}
    assert row(SERVICE_ACCOUNT, account) == {"Name": "web", "Secrets": 1, "Age": CREATED}
