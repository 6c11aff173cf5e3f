"""The embedded engine: Kubernetes' kinds and controllers, node agent, service network."""
