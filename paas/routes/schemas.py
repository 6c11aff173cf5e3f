"""The schema of Route. Source of fields and types: route.openshift.io/v1."""

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"}


def _text(description: str) -> Schema:
    return {**_TEXT, "description": description}


def _object(description: str, properties: Schema, *required: str) -> Schema:
    body: Schema = {"type": "object", "description": description, "properties": properties}
    return {**body, "required": list(required)} if required else body


def _list(description: str, items: Schema, *keys: str) -> Schema:
    body: Schema = {"type": "array", "description": description, "items": items}
    if not keys:
        return {**body, "x-kubernetes-list-type": "atomic"}
    return {**body, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


_TARGET = _object(
    "A service that answers, and its share.",
    {
        "kind": _text("Service."),
        "name": _text("The service's name, in the route's project."),
        "weight": {
            "type": "integer",
            "format": "int32",
            "description": "Its share of requests among all targets, 0 to 256; 100 if left out.",
        },
    },
    "kind",
    "name",
)
_TLS = _object(
    "How the route is reached by TLS.",
    {
        "termination": _text("edge: the router ends TLS and speaks HTTP to the service."),
        "insecureEdgeTerminationPolicy": _text(
            "What plain HTTP gets: None (nothing), Allow (the same) or Redirect (to https)."
        ),
        "certificate": _text("The route's own certificate (PEM); else the router's wildcard."),
        "key": _text("The certificate's private key (PEM)."),
        "caCertificate": _text("Certificates of the authorities above it (PEM)."),
        "destinationCACertificate": _text("The authority of the pods' certificates (PEM)."),
        "externalCertificate": _object("A secret with the certificate.", {"name": _TEXT}),
    },
    "termination",
)
_ACTION = _object(
    "What happens to a header.",
    {
        "type": _text("Set or Delete."),
        "set": _object("The value to set.", {"value": _TEXT}, "value"),
    },
    "type",
)
_HEADER = _object("A header and what happens to it.", {"name": _TEXT, "action": _ACTION}, "name")
_CONDITION = _object(
    "What the router says of the route.",
    {
        "type": _text("Admitted."),
        "status": _text("True, False or Unknown."),
        "reason": _text("Why, for machines."),
        "message": _text("Why, for people."),
        "lastTransitionTime": _TIME,
    },
    "type",
    "status",
)
_INGRESS = _object(
    "Where one router serves the route.",
    {
        "host": _text("The host name."),
        "routerName": _text("The router."),
        "routerCanonicalHostname": _text("What a CNAME of an own host name points to."),
        "wildcardPolicy": _text("The wildcard policy that was allowed."),
        "conditions": _list("The state of the route.", _CONDITION, "type"),
    },
)

ROUTE = _object(
    "Route makes a service reachable under a host name, from outside the platform.",
    {
        "spec": _object(
            "What is wished.",
            {
                "host": _text("The host name; <name>-<project>.<domain> if left out."),
                "subdomain": _text("The first part of a host name below the router's domain."),
                "path": _text("Only paths that are this or below it."),
                "to": _TARGET,
                "alternateBackends": _list("Up to three more targets.", _TARGET, "name", "kind"),
                "port": _object(
                    "Which port of the service.",
                    {
                        "targetPort": {
                            "$ref": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
                            "description": "Name or number of a port of the endpoints.",
                        }
                    },
                    "targetPort",
                ),
                "tls": _TLS,
                "wildcardPolicy": _text("None."),
                "httpHeaders": _object(
                    "Changes of headers.",
                    {
                        "actions": _object(
                            "By direction.",
                            {
                                "request": _list("On requests.", _HEADER, "name"),
                                "response": _list("On responses.", _HEADER, "name"),
                            },
                        )
                    },
                ),
            },
            "to",
        ),
        "status": _object(
            "What routers made of it.", {"ingress": _list("One for each router.", _INGRESS)}
        ),
    },
    "spec",
)
