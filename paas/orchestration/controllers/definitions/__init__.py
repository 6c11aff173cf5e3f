"""CustomResourceDefinitions: the names they get, when they are served, how they go."""
