"""The scheduler: says on which node a pod runs, or why on none."""
