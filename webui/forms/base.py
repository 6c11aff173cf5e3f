"""What all forms share: a refusal by the platform is shown where it belongs."""

from typing import Any, ClassVar

from django import forms

from paas.core.errors import InvalidError, PaasError

REFUSALS = frozenset(
    {"Invalid", "AlreadyExists", "Forbidden", "Conflict", "BadRequest", "TooManyRequests"}
)


class ConsoleForm(forms.Form):
    """A form that can be refused. `fields_of_causes` maps paths of the API to fields.

    What is wrong below a field (`env.PORT` below `env`) is shown at it.
    `places` names what a field belongs to, where a choice of another field hides it.
    """

    use_required_attribute = True
    fields_of_causes: ClassVar[dict[str, str]] = {}
    places: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def refuse(self, error: PaasError) -> None:
        """Take a refusal of the platform. Raises it again where the form cannot mend it."""
        if error.reason not in REFUSALS:
            raise error
        self.cleaned_data = getattr(self, "cleaned_data", {})
        causes = error.causes if isinstance(error, InvalidError) else ()
        placed = False
        for cause in causes:
            whole, below, rest = cause.field.partition(".")
            name = self.fields_of_causes.get(cause.field, whole)
            if name in self.fields:
                said = f"{rest}: {cause.message}" if below and name == whole else cause.message
                self.add_error(name, said)
                placed = True
        if not placed:
            self.add_error(None, str(error))
