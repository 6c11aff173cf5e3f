"""Tests of paas.orchestration.admission."""
