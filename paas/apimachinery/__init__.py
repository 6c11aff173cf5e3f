"""The one door without HTTP: kinds, store, watch, patches, admission, RBAC, audit hook."""
