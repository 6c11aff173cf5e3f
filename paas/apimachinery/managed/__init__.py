"""Who manages which field: `metadata.managedFields`, and server-side apply, which lives on it.

Pure functions of objects, entries and a type's shape; nothing given is changed. The door asks
`tracked` on each write and `applied` for an apply patch.
Source: Kubernetes, "Server-Side Apply"; KEP-555; sigs.k8s.io/structured-merge-diff.
"""

from paas.apimachinery.managed.apply import Applied, applied
from paas.apimachinery.managed.entries import Manager, same_but_times
from paas.apimachinery.managed.update import tracked

__all__ = ["Applied", "Manager", "applied", "same_but_times", "tracked"]
