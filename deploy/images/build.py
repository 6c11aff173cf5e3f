"""Makes the images of an instance from Debian's packages; what is made already is left alone.

An image is known by its recipe (a label), so a changed recipe makes it anew and an unchanged one
costs one question. `fresh` makes all anew, for Debian's security updates.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.images.recipes import (
    BASE,
    CATATONIT,
    LABEL,
    ON_BASE,
    PAUSE,
    SUITE,
    Recipe,
    base_key,
    packages,
    pause_key,
    recipe_key,
)
from deploy.processes import podman_environment
from deploy.runner import attempt, run
from paas.settings.instance import Instance

MAKE_S = 900.0
PODMAN_S = 300.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MIRROR_HINT = "Check that this machine reaches its Debian mirror: apt-get update"
# documentation and translations are half of a small system
_LEFT_OUT = ("doc", "info", "locale", "man")
_MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"


def image_build_all(
    instance: Instance, *, say: Callable[[str], None], mirror: str = "", fresh: bool = False
) -> dict[str, str]:
    """Make the images that are missing from an instance's storage; return reference → id.

    `mirror` is the Debian mirror's URL, the official one where empty. Needs 300 MB beside the
    storage for a while. Raises CommandError with the last lines of the tool that failed.
    """
    scratch = instance.podman_root.parent
    maker = ImageMaker(podman_environment(instance), scratch, say, mirror=mirror, fresh=fresh)
    return maker.make_all()


@dataclass(frozen=True, slots=True)
class ImageMaker:
    """Makes images in one podman storage. `environment` is what makes podman that storage's.

    Runs as root and without a user map: layers that podman commits from a mapped container would
    carry the machine's ids (an open bug of containers/storage).
    """

    environment: Mapping[str, str]
    scratch: Path
    say: Callable[[str], None]
    mirror: str = ""
    fresh: bool = False

    def make_all(self) -> dict[str, str]:
        """Make what is missing: first pause and base side by side, then all on the base."""
        with ThreadPoolExecutor(len(ON_BASE)) as pool:
            pause = pool.submit(self._made, PAUSE, pause_key(), self._pause)
            base = pool.submit(self._made, BASE, base_key(self.mirror), self._base)
            found = {PAUSE: pause.result(), BASE: base.result()}
            keys = {recipe: recipe_key(recipe, found[BASE]) for recipe in ON_BASE}
            jobs = {
                recipe.reference: pool.submit(self._made, recipe.reference, key, self._bud(recipe))
                for recipe, key in keys.items()
            }
            return found | {reference: job.result() for reference, job in jobs.items()}

    def _made(self, reference: str, key: str, make: Callable[[str], None]) -> str:
        """Return the id of the image with this key, which `make` makes where there is none."""
        image_id, known = self._known(reference)
        if known == key and not self.fresh:
            return image_id
        began = time.monotonic()
        self.say(f"{reference} …")
        make(key)
        self.say(f"{reference} made in {time.monotonic() - began:.1f} s")
        return self._known(reference)[0]

    def _known(self, reference: str) -> tuple[str, str]:
        """Return the image's id and key; two empty strings where there is none."""
        form = f'{{{{.Id}}}} {{{{index .Labels "{LABEL}"}}}}'
        asked = ["podman", "image", "inspect", "--format", form, reference]
        answer = attempt(asked, timeout_s=PODMAN_S, env=self.environment)
        image_id, _, key = answer.output.strip().partition(" ")
        return (image_id, key) if answer.returncode == 0 else ("", "")

    def _pause(self, key: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            archive = Path(scratch) / "pause.tar"
            as_pause = ["--owner=0", "--group=0", "--transform", f"s,{CATATONIT.name},pause,"]
            place = ["-C", str(CATATONIT.parent), "-cf", str(archive), CATATONIT.name]
            run(["tar", *as_pause, *place], timeout_s=PODMAN_S)
            self._import(PAUSE, archive, key, 'ENTRYPOINT ["/pause", "-P"]', "ENV PATH=/")

    def _base(self, key: str) -> None:
        with tempfile.TemporaryDirectory(dir=self.scratch) as scratch:
            archive = Path(scratch) / "base.tar"
            run(self._mmdebstrap(archive), timeout_s=MAKE_S, hint=_MIRROR_HINT)
            self._import(BASE, archive, key, f"ENV PATH={_PATH}", 'CMD ["/bin/sh"]')

    def _mmdebstrap(self, archive: Path) -> list[str]:
        left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
        return [
            *("mmdebstrap", "--quiet", "--variant=essential", f"--hook-dir={_MERGED_USR}"),
            *('--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"'),
            *left_out,
            f"--include={','.join(packages())}",
            *(SUITE, str(archive)),
            *((self.mirror,) if self.mirror else ()),
        ]

    def _import(self, reference: str, archive: Path, key: str, *changes: str) -> None:
        words = [word for change in (*changes, f"LABEL {LABEL}={key}") for word in ("-c", change)]
        argv = ["podman", "import", "--quiet", *words, str(archive), reference]
        run(argv, timeout_s=PODMAN_S, env=self.environment)

    def _bud(self, recipe: Recipe) -> Callable[[str], None]:
        def make(key: str) -> None:
            argv = [
                *("podman", "build", "--isolation", "chroot", "--network", "host"),
                *("--pull-never", "--layers=false", "--force-rm", "--no-hosts"),
                *("--label", f"{LABEL}={key}", "--tag", recipe.reference),
                *("--file", str(recipe.directory / "Containerfile"), str(recipe.directory)),
            ]
            run(argv, timeout_s=MAKE_S, env=self.environment, hint=_MIRROR_HINT)

        return make
