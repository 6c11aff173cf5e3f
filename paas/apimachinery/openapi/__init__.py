"""OpenAPI v3 of the scheme, for `kubectl apply`, `create`, `edit`, `diff` and `explain`."""

from paas.apimachinery.openapi.documents import (
    Document,
    OpenApi,
    openapi_document,
    openapi_index,
)

__all__ = ["Document", "OpenApi", "openapi_document", "openapi_index"]
