"""What subresources answer that change another object: a Status. Source: metav1.Status."""

from paas.core.objects import ApiObject


def success(code: int = 201) -> ApiObject:
    """Return the Status of something that was done."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": code,
    }
