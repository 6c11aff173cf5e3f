"""Patches: JSON, merge and strategic merge. Pure functions; nothing given is changed."""

from paas.apimachinery.patch.apply import apply_patch
from paas.apimachinery.patch.plain import apply_json_patch, apply_merge_patch
from paas.apimachinery.patch.strategic import apply_strategic_merge_patch

__all__ = [
    "apply_json_patch",
    "apply_merge_patch",
    "apply_patch",
    "apply_strategic_merge_patch",
]
