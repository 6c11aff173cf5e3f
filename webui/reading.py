"""What every page of an application begins with."""

from typing import Any

from paas.catalog.applications import Application, application_get
from paas.core.errors import NotFoundError
from paas.core.objects import ApiObject
from webui.presenters.applications import app_row
from webui.web import WebRequest


def application_of(request: WebRequest, project: str, name: str) -> Application:
    """Return the application that an address names. Raises NotFoundError, ForbiddenError."""
    return application_get(
        request.cluster,
        actor=request.actor,
        project=project,
        name=name,
        addresses=request.addresses,
    )


def deployment_of(app: Application) -> ApiObject:
    """Return the application's Deployment. Raises NotFoundError where it has none."""
    if app.deployment is None:
        raise NotFoundError(
            f'The application "{app.name}" has no Deployment.',
            hint="Somebody has deleted it. Create the application again, or delete what is left.",
        )
    return app.deployment


def shown(app: Application, tab: str) -> dict[str, Any]:
    """Return what the head of each of an application's pages shows."""
    return {"project": app.project, "app": app, "row": app_row(app), "tab": tab}
