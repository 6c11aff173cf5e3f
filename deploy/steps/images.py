"""Makes the images that the platform and its builds begin with."""

from deploy.images.build import image_build_all
from deploy.steps.base import Setup, Step, always


def _apply(setup: Setup) -> None:
    image_build_all(setup.instance, say=setup.report.note)


IMAGES = Step("Images: pause, base, build and builders", always, _apply)
"""One question for each image when all are there. Podman itself is asked, not its service."""
