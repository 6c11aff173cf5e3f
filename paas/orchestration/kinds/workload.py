"""What the kinds that run pods of a template have in common: their counts and wide columns."""

from collections.abc import Callable

from paas.apimachinery.columns import container_images, container_names, selector_text, wide
from paas.apimachinery.kinds import Column
from paas.core.objects import ApiObject
from paas.core.shape import Json, number, submap


def template_spec(obj: ApiObject) -> Json:
    """Return the spec of the pods of spec.template."""
    return submap(obj, "spec", "template", "spec")


def selector_words(obj: ApiObject) -> str:
    """Return spec.selector, a metav1.LabelSelector, as a query."""
    return selector_text(submap(obj, "spec").get("selector"))


def count(obj: ApiObject, *path: str) -> int:
    """Return the number at `path`; 0 where there is none."""
    return number(obj, *path) or 0


def counted(name: str, *path: str, kind: str = "integer") -> Column:
    """Return a column that shows the number at `path`."""
    return Column(name, lambda obj: count(obj, *path), kind)


def pods_columns(
    selector: Callable[[ApiObject], str] = selector_words,
    spec: Callable[[ApiObject], Json] = template_spec,
) -> tuple[Column, ...]:
    """Return the columns of `-o wide`: containers, images, selector."""
    return (
        wide(Column("Containers", lambda obj: container_names(spec(obj)))),
        wide(Column("Images", lambda obj: container_images(spec(obj)))),
        wide(Column("Selector", selector)),
    )
