"""Rules for names, as upstream has them. Each check returns the rules broken, in upstream's words.

Source: k8s.io/apimachinery/pkg/util/validation.
"""

import re
import secrets

LABEL_MAX = 63
SUBDOMAIN_MAX = 253
GENERATED_SUFFIX = 5
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # upstream's: no vowels, nothing that looks alike

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_ENV_NAME = re.compile(r"[!-<>-~]+")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
    "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def _too_long(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} characters"] if len(text) > limit else []


def label_errors(text: str) -> list[str]:
    """Check an RFC 1123 label, as for namespaces and containers."""
    wrong = _too_long(text, LABEL_MAX)
    return wrong if _LABEL.fullmatch(text) else [*wrong, LABEL_RULE]


def label_1035_errors(text: str) -> list[str]:
    """Check an RFC 1035 label, as for services."""
    wrong = _too_long(text, LABEL_MAX)
    return wrong if _LABEL_1035.fullmatch(text) else [*wrong, LABEL_1035_RULE]


def subdomain_errors(text: str) -> list[str]:
    """Check an RFC 1123 subdomain, as for most names."""
    wrong = _too_long(text, SUBDOMAIN_MAX)
    return wrong if _SUBDOMAIN.fullmatch(text) else [*wrong, SUBDOMAIN_RULE]


def path_segment_errors(text: str) -> list[str]:
    """Check a name that only has to be one path segment, as for roles and bindings."""
    if text in {".", ".."}:
        return [f"may not be '{text}'"]
    return [f"may not contain '{piece}'" for piece in ("/", "%") if piece in text]


def qualified_errors(text: str) -> list[str]:
    """Check a label or annotation key: an optional DNS prefix, `/`, a name of 63 characters."""
    prefix, slash, name = text.rpartition("/")
    if slash and not prefix:
        return ["prefix part must be non-empty"]
    wrong = [f"prefix part {error}" for error in subdomain_errors(prefix)] if slash else []
    if not name:
        return [*wrong, "name part must be non-empty"]
    wrong += [f"name part {error}" for error in _too_long(name, LABEL_MAX)]
    return wrong if _QUALIFIED.fullmatch(name) else [*wrong, QUALIFIED_RULE]


def label_value_errors(text: str) -> list[str]:
    """Check a label's value."""
    wrong = _too_long(text, LABEL_MAX)
    return wrong if _LABEL_VALUE.fullmatch(text) else [*wrong, LABEL_VALUE_RULE]


def env_name_errors(text: str) -> list[str]:
    """Check an environment variable's name: printable ASCII without `=`."""
    if _ENV_NAME.fullmatch(text):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='"
    ]


def config_key_errors(text: str) -> list[str]:
    """Check a key of a ConfigMap or Secret: it becomes a file name."""
    wrong = _too_long(text, SUBDOMAIN_MAX)
    if not _CONFIG_KEY.fullmatch(text):
        wrong.append(CONFIG_KEY_RULE)
    if text in {".", ".."}:
        wrong.append(f"must not be '{text}'")
    elif text.startswith(".."):
        wrong.append("must not start with '..'")
    return wrong


def generated_name(prefix: str) -> str:
    """Return `prefix` and five random characters, never longer than 63. Source: generateName."""
    suffix = "".join(secrets.choice(_ALPHABET) for _ in range(GENERATED_SUFFIX))
    return prefix[: LABEL_MAX - GENERATED_SUFFIX] + suffix


def safe_encode(number: int) -> str:
    """Return a number in the alphabet of generated names, as in `pod-template-hash`."""
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))
