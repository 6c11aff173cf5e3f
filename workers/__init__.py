"""Celery: tasks, the director of a build, its stages."""
