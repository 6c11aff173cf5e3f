"""Tests of paas.orchestration.podspec."""
