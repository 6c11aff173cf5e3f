"""Tests of paas.orchestration.kinds."""
