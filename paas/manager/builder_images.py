"""`python -m paas.manager.builder_images missing|publish`: set-up's questions about its images.

`missing` reads a JSON list of `{"stream", "tag", "id"}` and prints
`{"missing": [{"stream", "tag"}], "token": "…"}`, a token that pushes to these streams only.
`publish` reads a list of `{"stream", "tag", "digest"}` of what was pushed, and tags it.
"""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

import django


def main(argv: list[str]) -> int:
    """Answer one question; the JSON is on standard input and output."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paas.settings.production")
    django.setup()
    # only now: the models of these need the settings
    from paas.manager import runtime

    asked: list[dict[str, str]] = json.load(sys.stdin)
    try:
        answer = _missing(asked) if argv[1:] == ["missing"] else _publish(asked)
    finally:
        runtime.door().stop()
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _missing(asked: list[dict[str, str]]) -> dict[str, Any]:
    from paas.images.publish import BuilderImage, builder_images_missing, builder_push_token
    from paas.manager import registry, runtime

    images = [BuilderImage(one["stream"], one["tag"], one["id"]) for one in asked]
    missing = builder_images_missing(runtime.cluster(), registry=registry.registry(), images=images)
    token = builder_push_token(
        registry.registry_tokens(),
        streams=[one.stream for one in missing],
        now=datetime.now(UTC),
    )
    return {"missing": [{"stream": one.stream, "tag": one.tag} for one in missing], "token": token}


def _publish(pushed: list[dict[str, str]]) -> dict[str, Any]:
    from paas.core.objects import Digest
    from paas.images.publish import builder_image_publish
    from paas.manager import registry, runtime

    for one in pushed:
        builder_image_publish(
            runtime.cluster(),
            registry=registry.registry(),
            stream=one["stream"],
            tag=one["tag"],
            digest=Digest(one["digest"]),
            now=datetime.now(UTC),
        )
    return {"published": len(pushed)}


if __name__ == "__main__":
    sys.exit(main(sys.argv))
