"""The garbage collector: objects whose owners are gone, and owners that wait for theirs."""
