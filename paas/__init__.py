"""Minato: an OpenShift-like platform as a service on one small machine."""
