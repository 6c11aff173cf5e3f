"""The controllers of the Kubernetes kinds: each compares wish and world and takes one step."""
