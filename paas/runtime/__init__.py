"""Containers: one `Runtime` Protocol, its podman adapter, and nothing that knows of pods' specs."""
