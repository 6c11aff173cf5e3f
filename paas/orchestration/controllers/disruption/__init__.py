"""PodDisruptionBudgets: how many pods may be taken away now."""
