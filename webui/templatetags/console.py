"""Icons, ages, addresses of the bundle, form fields: what templates write again and again."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select, Textarea
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from paas.core.objects import parse_timestamp
from webui.presenters.applications import short_image
from webui.presenters.icons import PATHS
from webui.static_files import asset_url

register = template.Library()
register.filter("short_image", short_image)
_JUST_NOW_S = 10
_MINUTE_S = 60


@register.simple_tag
def asset(name: str) -> str:
    """Return the address of an entry of the bundle."""
    return asset_url(name)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Return an icon that says nothing to a screen reader: the text beside it does."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">'
        '<path d="{}"></path></svg>',
        extra,
        PATHS[name],
    )


@register.filter
def age(moment: str | datetime | None) -> SafeString | str:
    """Return how long ago it was, with the exact time beside it."""
    if not moment:
        return "-"
    when = parse_timestamp(moment) if isinstance(moment, str) else moment
    exact = when.astimezone(UTC)
    passed_s = (datetime.now(UTC) - exact).total_seconds()
    if passed_s < _JUST_NOW_S:
        words = _("just now")
    elif passed_s < _MINUTE_S:
        words = _("{n} seconds ago").format(n=int(passed_s))
    else:
        words = _("{time} ago").format(time=timesince(exact, depth=1))
    return format_html(
        '<time datetime="{}" title="{}" data-age>{}</time>',
        exact.isoformat(),
        exact.strftime("%Y-%m-%d %H:%M:%S UTC"),
        words,
    )


@register.filter
def until(moment: datetime) -> str:
    """Return how long it is until then."""
    return _("in {time}").format(time=timesince(datetime.now(UTC), moment, depth=1))


@register.filter
def duration(seconds: float | None) -> str:
    """Return a duration in the two largest units: 4 s, 1 min 12 s."""
    if seconds is None:
        return ""
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s" if seconds < _JUST_NOW_S else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), _MINUTE_S)
    return f"{minutes} min {rest} s"


@register.inclusion_tag("webui/parts/state.html")
def state(tone: str, text: str) -> dict[str, str]:
    """Show a state as text and icon; the colour only repeats them."""
    return {"tone": tone, "text": text}


@register.inclusion_tag("webui/parts/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """Show a form field with its label, help and errors, tied together for screen readers."""
    widget = bound.field.widget
    names = {RadioSelect: "radio", CheckboxInput: "check", Select: "select", Textarea: "text"}
    shape = next((name for kind, name in names.items() if isinstance(widget, kind)), "input")
    place = getattr(bound.form, "places", {}).get(bound.name, "")
    return {"field": bound, "shape": shape, "place": place}


@register.inclusion_tag("webui/parts/code.html")
def code(identity: str, text: str, label: str = "") -> dict[str, str]:
    """Show a line to copy."""
    return {"identity": identity, "text": text, "label": label}


@register.inclusion_tag("webui/parts/crumbs.html")
def crumbs(*pairs: str) -> dict[str, Any]:
    """Show the way here: text and address by turns."""
    return {"links": list(zip(pairs[::2], pairs[1::2], strict=True))}
