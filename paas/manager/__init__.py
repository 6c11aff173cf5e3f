"""Puts processes together: the scheme, the door and the orchestrator's controllers."""
