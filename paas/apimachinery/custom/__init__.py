"""Custom resources: kinds that a CustomResourceDefinition declares while the platform runs.

Owns what a structural schema means (pruning, defaults, validation, list types, rules), how a
definition becomes kinds, and the registry that every process keeps of them. The definition's own
kind and its controller are the engine's.
Source: k8s.io/apiextensions-apiserver.
"""
