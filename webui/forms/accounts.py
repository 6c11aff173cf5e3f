"""Sign-in, passwords, tokens, people."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from webui.forms.base import ConsoleForm

DAY = 24


class SignInForm(AuthenticationForm):
    """Name and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")


class PasswordForm(ConsoleForm):
    """A new password of one's own."""

    old = forms.CharField(
        label=_("Your password now"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least eight characters, not only digits, nothing common."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("New password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_old(self) -> str:
        """Refuse a wrong password."""
        old = str(self.cleaned_data["old"])
        if not self._user.check_password(old):
            raise forms.ValidationError(_("This is not your password."))
        return old

    def clean(self) -> dict[str, Any]:
        """Refuse two different new passwords, and the old one."""
        data = self.cleaned_data
        if data.get("new") != data.get("again"):
            self.add_error("again", _("The two are not the same."))
        if data.get("new") and data.get("new") == data.get("old"):
            self.add_error("new", _("This is the old one."))
        return data


class TokenForm(ConsoleForm):
    """A token for a client."""

    name = forms.CharField(
        label=_("What it is for"), max_length=100, initial="laptop", help_text=_("Only for you.")
    )
    hours = forms.TypedChoiceField(
        label=_("How long it lives"),
        coerce=int,
        initial=30 * DAY,
        choices=[
            (DAY, _("One day")),
            (7 * DAY, _("One week")),
            (30 * DAY, _("30 days")),
            (365 * DAY, _("One year")),
        ],
    )


class UserForm(ConsoleForm):
    """A new person."""

    fields_of_causes = {"metadata.name": "name"}
    name = forms.CharField(
        label=_("User name"),
        max_length=63,
        help_text=_("Lower case letters, digits, '-' and '.'."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    full_name = forms.CharField(label=_("Full name"), max_length=200, required=False)
