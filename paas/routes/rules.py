"""What a Route may say: every rule, with field paths. Pure.

All that could reach HAProxy's files is checked against patterns narrower than HAProxy's syntax.
Source: route.openshift.io/v1; github.com/openshift/library-go/pkg/route/validation (in effect).
"""

import re
from collections.abc import Sequence
from typing import Any

from paas.apimachinery.fielderrors import (
    duplicate,
    forbidden,
    invalid,
    invalid_all,
    not_supported,
    required,
    too_long,
    too_many,
)
from paas.core.errors import Cause
from paas.core.names import LABEL_MAX, label_1035_errors, subdomain_errors
from paas.core.objects import ApiObject
from paas.core.shape import maps, submap, text
from paas.routes.certificates import certificate_problems

ALTERNATES_MAX = 3
WEIGHT_MAX = 256
PATH_MAX = 1024
PORT_MAX = 65535
INSECURE = ("Allow", "None", "Redirect")
TERMINATIONS = ("edge",)
LATER = {"passthrough", "reencrypt"}
WILDCARDS = ("None", "Subdomain")
PATH = re.compile(r"/[A-Za-z0-9/_.~%+,:@=&!$()*-]*")
_PATH_RULE = "must begin with / and consist of letters, digits and the characters /_.~%+,:@=&!$()*-"
_NUMBERS = re.compile(r"[0-9.]+")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NOT_YET = "this version of the platform ends TLS at the router: termination must be edge"
_HEADERS_NOT_YET = "this version of the platform does not change headers of a route"
_BOTH = "cannot specify both tls.certificate and tls.externalCertificate"


def validate(route: ApiObject) -> Sequence[Cause]:
    """Return every rule that the route breaks."""
    spec = submap(route, "spec")
    wrong = host_errors(text(spec, "host"), "spec.host")
    wrong += _path_errors(text(spec, "path"))
    wrong += _target_errors(submap(spec, "to"), "spec.to")
    wrong += _alternate_errors(spec)
    wrong += _port_errors(spec)
    if (policy := text(spec, "wildcardPolicy")) not in WILDCARDS:
        wrong.append(not_supported("spec.wildcardPolicy", policy, WILDCARDS))
    if submap(spec, "httpHeaders"):
        wrong.append(forbidden("spec.httpHeaders", _HEADERS_NOT_YET))
    return wrong + tls_errors(submap(spec, "tls"))


def host_errors(host: str, path: str) -> list[Cause]:
    """Return what is wrong with a host name. Empty is: it should have been filled in."""
    if not host:
        return [required(path)]
    wrong = invalid_all(path, host, subdomain_errors(host))
    if any(len(label) > LABEL_MAX for label in host.split(".")):
        wrong.append(
            invalid(path, host, f"a label is longer than {LABEL_MAX} characters; set another host")
        )
    if _NUMBERS.fullmatch(host):
        wrong.append(invalid(path, host, "must be a name, not an address"))
    return wrong


def _path_errors(path: str) -> list[Cause]:
    if len(path) > PATH_MAX:
        return [too_long("spec.path", PATH_MAX)]
    if path and not PATH.fullmatch(path):
        return [invalid("spec.path", path, _PATH_RULE)]
    return []


def _target_errors(target: dict[str, Any], path: str) -> list[Cause]:
    wrong: list[Cause] = []
    if text(target, "kind") != "Service":
        wrong.append(not_supported(f"{path}.kind", target.get("kind"), ("Service",)))
    if not (name := text(target, "name")):
        wrong.append(required(f"{path}.name"))
    else:
        wrong += invalid_all(f"{path}.name", name, label_1035_errors(name))
    weight = target.get("weight")
    if isinstance(weight, int) and not 0 <= weight <= WEIGHT_MAX:
        wrong.append(invalid(f"{path}.weight", weight, f"must be from 0 to {WEIGHT_MAX}"))
    return wrong


def _alternate_errors(spec: dict[str, Any]) -> list[Cause]:
    others = maps(spec, "alternateBackends")
    wrong: list[Cause] = []
    if len(others) > ALTERNATES_MAX:
        wrong.append(too_many("spec.alternateBackends", len(others), ALTERNATES_MAX))
    seen = {text(spec, "to", "name")}
    for place, target in enumerate(others):
        path = f"spec.alternateBackends[{place}]"
        wrong += _target_errors(target, path)
        if (name := text(target, "name")) in seen:
            wrong.append(duplicate(f"{path}.name", name))
        seen.add(name)
    return wrong


def _port_errors(spec: dict[str, Any]) -> list[Cause]:
    if not submap(spec, "port"):
        return []
    path, wanted = "spec.port.targetPort", spec["port"].get("targetPort")
    if isinstance(wanted, int):
        fine = 0 < wanted <= PORT_MAX
        return [] if fine else [invalid(path, wanted, f"must be from 1 to {PORT_MAX}")]
    if not wanted:
        return [required(path)]
    if not _PORT_NAME.fullmatch(str(wanted)) or len(str(wanted)) > LABEL_MAX:
        return [invalid(path, wanted, "must be the name or the number of a port")]
    return []


def tls_errors(tls: dict[str, Any]) -> list[Cause]:
    """Return what is wrong with the TLS part; a route without one speaks plain HTTP."""
    if not tls:
        return []
    wrong: list[Cause] = []
    termination = text(tls, "termination")
    if termination in LATER:
        wrong.append(invalid("spec.tls.termination", termination, _NOT_YET))
    elif termination not in TERMINATIONS:
        wrong.append(not_supported("spec.tls.termination", termination, TERMINATIONS))
    policy = text(tls, "insecureEdgeTerminationPolicy")
    if policy and policy not in INSECURE:
        wrong.append(not_supported("spec.tls.insecureEdgeTerminationPolicy", policy, INSECURE))
    if text(tls, "destinationCACertificate"):
        why = "only a route that encrypts again towards its pods has one"
        wrong.append(forbidden("spec.tls.destinationCACertificate", why))
    if tls.get("externalCertificate") is not None:
        return wrong + _external_errors(tls, "spec.tls.externalCertificate")
    return wrong + certificate_problems(tls)


def _external_errors(tls: dict[str, Any], path: str) -> list[Cause]:
    """Check the name of a Secret; what is in it, its route's condition says."""
    name = text(tls, "externalCertificate", "name")
    if not name:
        return [required(f"{path}.name")]
    if any(text(tls, field) for field in ("certificate", "key", "caCertificate")):
        return [invalid(path, name, _BOTH)]
    return invalid_all(f"{path}.name", name, subdomain_errors(name))
