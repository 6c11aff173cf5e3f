"""Projects and their members and bounds."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from paas.projects.quotas import Usage
from webui.forms.base import ConsoleForm


class ProjectForm(ConsoleForm):
    """A new project."""

    fields_of_causes = {"metadata.name": "name"}
    name = forms.CharField(
        label=_("Name"),
        max_length=63,
        help_text=_("Lower case letters, digits and '-'. It is part of every address."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    display_name = forms.CharField(label=_("Display name"), max_length=200, required=False)
    description = forms.CharField(
        label=_("Description"), max_length=1000, required=False, widget=forms.Textarea({"rows": 3})
    )


class TypedNameForm(ConsoleForm):
    """The name of what is deleted, typed by hand."""

    typed = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    )

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = name
        self.fields["typed"].label = _("Type the name: {name}").format(name=name)

    def clean_typed(self) -> str:
        """Refuse any other name."""
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != self._name:
            raise forms.ValidationError(_("This is not its name."))
        return typed


class MemberForm(ConsoleForm):
    """A person and their role."""

    name = forms.CharField(
        label=_("User name"),
        max_length=253,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        initial="edit",
        choices=[
            ("admin", _("Administrator: also members and deleting the project")),
            ("edit", _("Editor: everything but members")),
            ("view", _("Viewer: reads all but secrets")),
        ],
    )


class QuotaForm(ConsoleForm):
    """One field for each bound of the project's own quota."""

    def __init__(self, usages: Sequence[Usage], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for usage in usages:
            field = forms.CharField(label=usage.resource, initial=usage.hard, required=False)
            field.help_text = _("Used now: {used}").format(used=usage.used)
            self.fields[usage.resource] = field
