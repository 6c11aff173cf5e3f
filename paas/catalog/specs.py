"""What a person says when they want an application, checked before anything is made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from paas.core.errors import Cause, InvalidError
from paas.core.gitsource import HTTPS_ONLY, folder_errors, ref_errors, uri_errors
from paas.core.names import env_name_errors, label_1035_errors, subdomain_errors

PORT = 8080
NAME_MAX = 50  # a build's pod adds `-<number>-build` to it


@dataclass(frozen=True, slots=True)
class GitSource:
    """A remote repository; `ref` is a branch, tag or commit, empty for its default branch."""

    url: str
    ref: str = ""
    context_dir: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationSpec:
    """An application of one web process.

    Exactly one of `git`, `image` or neither: without both it has a repository of its own to push
    to. `builder` names an ImageStream of the project `openshift`.
    """

    name: str
    project: str
    git: GitSource | None = None
    image: str = ""
    builder: str = "python"
    env: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1

    @property
    def is_built(self) -> bool:
        """Say whether the platform builds its image."""
        return not self.image


def spec_check(spec: ApplicationSpec, *, schemes: Collection[str] = HTTPS_ONLY) -> None:
    """Raise InvalidError naming each field that cannot be.

    `schemes` are those that a repository's address may have. Refuses what the BuildConfig would.
    """
    causes = [
        *(_cause("name", why) for why in label_1035_errors(spec.name)),
        *(_cause(f"env.{key}", why) for key in spec.env for why in env_name_errors(key)),
    ]
    if spec.is_built:
        causes += [_cause("builder", why) for why in subdomain_errors(spec.builder)]
    if spec.env.get("PORT", str(PORT)) != str(PORT):
        why = f"is the platform's, and always {PORT}: listen on what it says"
        causes.append(_cause("env.PORT", why))
    if len(spec.name) > NAME_MAX:
        causes.append(_cause("name", f"must be no more than {NAME_MAX} characters"))
    if spec.git is not None:
        causes += _git_causes(spec.git, schemes)
    if spec.git is not None and spec.image:
        causes.append(_cause("image", "choose a repository or an image, not both"))
    if spec.image != spec.image.strip() or " " in spec.image:
        causes.append(_cause("image", "must be an image reference without spaces"))
    if causes:
        first = causes[0]
        raise InvalidError(f"{first.field}: {first.message}", causes=causes)


def _git_causes(git: GitSource, schemes: Collection[str]) -> list[Cause]:
    return [
        *(_cause("git.url", why) for why in uri_errors(git.url, schemes)),
        *(_cause("git.ref", why) for why in ref_errors(git.ref)),
        *(_cause("git.contextDir", why) for why in folder_errors(git.context_dir)),
    ]


def _cause(path: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", why, path)
