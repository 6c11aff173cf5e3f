"""Metrics and their queries."""
