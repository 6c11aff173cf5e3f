"""HTTP for the door: an ASGI application that Kubernetes' clients talk to."""
