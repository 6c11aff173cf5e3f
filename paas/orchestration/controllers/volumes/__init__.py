"""Claims get volumes: bound, provisioned, grown, protected while in use, taken back."""
