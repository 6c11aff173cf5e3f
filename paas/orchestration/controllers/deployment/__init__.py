"""Deployments: a template rolled out over ReplicaSets, one revision each."""
