"""NamespaceAllotments: what the platform allots to a namespace, nobody else writes.

User ids, subnet and MCS level are annotations, as OpenShift has them. A pod started on a forged one
would run with another project's ids or addresses, so a forged one is never stored.
"""

from paas.apimachinery.admission import AdmissionPlugin, AdmissionRequest
from paas.apimachinery.audit import is_platform
from paas.core.objects import annotations_of, meta

PREFIXES = ("openshift.io/sa.scc.", "minato.io/")


class NamespaceAllotments(AdmissionPlugin):
    """Puts the allotted annotations back to what they were, whoever else writes them."""

    name = "NamespaceAllotments"
    resources = frozenset({"namespaces"})

    def admit(self, request: AdmissionRequest) -> None:
        """Keep the old values, silently: `kubectl apply` of an exported namespace must work."""
        if request.obj is None or is_platform(request.actor):
            return
        asked = annotations_of(request.obj)
        kept = {key: value for key, value in asked.items() if not key.startswith(PREFIXES)}
        old = annotations_of(request.old or {})
        kept |= {key: value for key, value in old.items() if key.startswith(PREFIXES)}
        if kept != asked:
            meta(request.obj)["annotations"] = kept
