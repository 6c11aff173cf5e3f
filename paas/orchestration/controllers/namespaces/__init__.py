"""Emptying namespaces that are being deleted."""
