"""The steps of attending to a build; `workers.director` has their order."""
