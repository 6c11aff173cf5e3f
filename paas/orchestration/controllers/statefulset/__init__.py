"""StatefulSets: pods with a name, a number and volumes that stay."""
