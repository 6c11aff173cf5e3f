"""The console's views, one module per subject: who, what, show."""
