"""Who acts in a request: whose token it bears, or whom that one may act as. The one place.

Asked again while a watch goes on, so that it ends with the token and with the right to act as
another.
"""

from paas.apiserver.calls import Services
from paas.apiserver.impersonation import impersonation_of
from paas.apiserver.paths import is_resource_path
from paas.apiserver.responses import Scope
from paas.core.actors import Actor

_DISCOVERY = ("/api", "/openapi", "/version")


async def actor_of(services: Services, scope: Scope) -> Actor:
    """Return who acts, and from where.

    Raises UnauthorizedError, ForbiddenError, BadRequestError.
    """
    headers = scope["headers"]
    client = scope.get("client")
    asking = await services.authentication.actor(dict(headers))
    asking = asking.at(client[0] if client else "")
    if _is_same_for_all(scope["path"]):
        return asking
    wanted = impersonation_of(headers)
    if wanted is None:
        return asking
    await services.reader.authorize_impersonation(asking, wanted.rights())
    return wanted.actor(asking)


def _is_same_for_all(path: str) -> bool:
    """Say whether it is discovery: the same for all, and kubectl shows no error that it gives."""
    return not is_resource_path(path) and path.startswith(_DISCOVERY)
