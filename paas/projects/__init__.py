"""Projects: namespaces with members, quota and a life of their own."""
