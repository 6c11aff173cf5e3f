"""Jobs: pods that end, and are counted."""
