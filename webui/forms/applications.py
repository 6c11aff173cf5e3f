"""Applications: a new one, how many pods."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from paas.catalog.builders import Builder
from paas.catalog.rollouts import REPLICAS_MAX
from paas.catalog.specs import ApplicationSpec, GitSource
from webui.forms.base import ConsoleForm

OWN, GIT, IMAGE = "own", "git", "image"
_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ApplicationForm(ConsoleForm):
    """Where an application comes from and what it is told."""

    fields_of_causes = {
        "git.url": "git_url",
        "git.ref": "git_ref",
        "git.contextDir": "context_dir",
        "metadata.name": "name",
        "spec.source.git.uri": "git_url",
        "spec.source.git.ref": "git_ref",
        "spec.source.contextDir": "context_dir",
        "spec.strategy.sourceStrategy.from.name": "builder",
    }
    places = {
        "git_url": "git",
        "git_ref": "git",
        "context_dir": "git",
        "image": "image",
        "builder": "built",
    }
    name = forms.CharField(
        label=_("Name"),
        max_length=50,
        help_text=_("Lower case letters, digits and '-'. It becomes a part of the address."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    source = forms.ChoiceField(
        label=_("Where does it come from?"),
        initial=OWN,
        widget=forms.RadioSelect(attrs={"class": "pf-v6-c-radio__input"}),
        choices=[
            (OWN, _("A repository of its own: I push to it")),
            (GIT, _("A repository elsewhere")),
            (IMAGE, _("An image that exists")),
        ],
    )
    git_url = forms.CharField(
        label=_("Address of the repository"),
        required=False,
        help_text="https://git.example.org/team/web.git",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )
    git_ref = forms.CharField(
        label=_("Branch, tag or commit"),
        required=False,
        help_text=_("Empty for its default branch."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    context_dir = forms.CharField(
        label=_("Folder to build"),
        required=False,
        help_text=_("Empty for the whole repository."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    image = forms.CharField(
        label=_("Image"),
        required=False,
        help_text=_("As for podman pull. It must listen on port 8080, or on the variable PORT."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    builder = forms.ChoiceField(label=_("What builds it"), required=False)
    env = forms.CharField(
        label=_("Environment"),
        required=False,
        help_text=_("NAME=value, one on each line. Secrets can be added afterwards."),
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 4}),
    )

    def __init__(self, project: str, builders: Sequence[Builder], *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._project = project
        builder = cast("forms.ChoiceField", self.fields["builder"])
        builder.choices = [(one.name, one.title) for one in builders] or [("python", "python")]

    def clean_env(self) -> dict[str, str]:
        """Return the variables. Refuses a line without a name and a value."""
        found = {}
        for line in str(self.cleaned_data["env"]).splitlines():
            name, equals, value = line.strip().partition("=")
            if not line.strip():
                continue
            if not equals or not name:
                raise forms.ValidationError(_("Not NAME=value: {line}").format(line=line[:60]))
            found[name] = value
        return found

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen source needs."""
        data = self.cleaned_data
        if data.get("source") == GIT and not data.get("git_url"):
            self.add_error("git_url", _("Name the repository."))
        if data.get("source") == IMAGE and not data.get("image"):
            self.add_error("image", _("Name the image."))
        return data

    def spec(self) -> ApplicationSpec:
        """Return what was asked for."""
        data = self.cleaned_data
        git = GitSource(data["git_url"], data["git_ref"], data["context_dir"])
        return ApplicationSpec(
            name=data["name"],
            project=self._project,
            git=git if data["source"] == GIT else None,
            image=data["image"] if data["source"] == IMAGE else "",
            builder=data["builder"] or "python",
            env=data["env"],
        )


class ScaleForm(ConsoleForm):
    """How many pods."""

    replicas = forms.IntegerField(
        label=_("How many pods"), min_value=0, max_value=REPLICAS_MAX, help_text=_("0 stops it.")
    )
