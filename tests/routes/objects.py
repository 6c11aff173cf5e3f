"""Routes and what is behind them, as a person would write them."""

import copy
from base64 import b64encode


def route_object(name="web", namespace="shop", *, host=None, path=None, tls=None, **spec):
    body = {"to": {"kind": "Service", "name": spec.pop("service", "web")}, **spec}
    for key, value in (("host", host), ("path", path), ("tls", tls)):
        if value is not None:
            body[key] = copy.deepcopy(value)
    return {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }


def namespace_object(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def project_object(name, subnet):
    made = namespace_object(name)
    made["metadata"]["annotations"] = {"minato.io/pod-subnet": subnet}
    return made


def service_object(name="web", namespace="shop", **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": [{"name": "http", "port": 80}], "selector": {"app": name}, **spec},
    }


def slice_object(*endpoints, service="web", namespace="shop", name=None, ports=None):
    """Return an EndpointSlice; an endpoint is an address and its port, or not ready: an address."""
    port = next((one[1] for one in endpoints if isinstance(one, tuple)), 80)
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name or f"{service}-1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": ports or [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [one[0] if isinstance(one, tuple) else one],
                "conditions": {"ready": isinstance(one, tuple)},
            }
            for one in endpoints
        ],
    }


def deployment_object(name="web", namespace="shop", *, replicas=1, annotations=None):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations or {}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }


def ingress_path(path="/", path_type="Prefix", *, service="web", port=None):
    backend = {"service": {"name": service, "port": port or {"number": 80}}}
    return {"path": path, "pathType": path_type, "backend": backend}


def ingress_object(*paths, host="web.apps.localhost", name="web", namespace="shop", **spec):
    rules = [{"host": host, "http": {"paths": list(paths)}}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"rules": rules, **spec},
    }


def secret_object(certificate, key, *, name="web-tls", namespace="shop"):
    """Return a Secret with a certificate, as `kubectl create secret tls` makes it."""
    data = {"tls.crt": certificate, "tls.key": key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {field: b64encode(pem.encode()).decode() for field, pem in data.items()},
    }
