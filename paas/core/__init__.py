"""Plain Python that every floor uses: errors, names, selectors, quantities. No Django, no I/O."""
