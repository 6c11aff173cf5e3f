"""Settings: `env.py` reads the environment, `instance.py` names everything of one instance."""
