"""The schemas of the build kinds. Source of fields and types: build.openshift.io/v1."""

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_INT32: Schema = {"type": "integer", "format": "int32"}
_INT64: Schema = {"type": "integer", "format": "int64"}
_TIME: Schema = {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"}
_REFERENCE: Schema = {"$ref": "io.k8s.api.core.v1.ObjectReference"}
_LOCAL: Schema = {"$ref": "io.k8s.api.core.v1.LocalObjectReference"}
_ENV: Schema = {"type": "array", "items": {"$ref": "io.k8s.api.core.v1.EnvVar"}}
_MAP: Schema = {"type": "object", "additionalProperties": _TEXT}


def _text(description: str) -> Schema:
    return {**_TEXT, "description": description}


def _list(items: Schema, description: str = "") -> Schema:
    return {"type": "array", "items": items, "description": description}


def _object(description: str, properties: Schema) -> Schema:
    return {"type": "object", "description": description, "properties": properties}


_PERSON = _object("A person as git knows them.", {"name": _TEXT, "email": _TEXT})
_REVISION = _object(
    "The very state of the source.",
    {
        "type": _TEXT,
        "git": _object(
            "A commit.",
            {"commit": _TEXT, "message": _TEXT, "author": _PERSON, "committer": _PERSON},
        ),
    },
)
_GIT = _object(
    "A git repository.",
    {
        "uri": _text("Where it is: an https address."),
        "ref": _text("A branch, tag or commit; the default branch where empty."),
        "httpProxy": _TEXT,
        "httpsProxy": _TEXT,
        "noProxy": _TEXT,
    },
)
_SECRET_SOURCE = _object("A secret's files.", {"secret": _LOCAL, "destinationDir": _TEXT})
_CONFIG_SOURCE = _object("A ConfigMap's files.", {"configMap": _LOCAL, "destinationDir": _TEXT})
_IMAGE_PATH = _object("A path of an image.", {"sourcePath": _TEXT, "destinationDir": _TEXT})
_IMAGE_SOURCE = _object(
    "Files of an image.",
    {"from": _REFERENCE, "pullSecret": _LOCAL, "as": _list(_TEXT), "paths": _list(_IMAGE_PATH)},
)
_SOURCE = _object(
    "Where the source comes from.",
    {
        "type": _text("Git; filled in."),
        "git": _GIT,
        "contextDir": _text("The directory of the repository that is built."),
        "sourceSecret": _LOCAL,
        "dockerfile": _TEXT,
        "binary": _object("Source that is sent.", {"asFile": _TEXT}),
        "images": _list(_IMAGE_SOURCE),
        "secrets": _list(_SECRET_SOURCE),
        "configMaps": _list(_CONFIG_SOURCE),
    },
)
_VOLUME = _object(
    "A volume of the build.",
    {
        "name": _TEXT,
        "mounts": _list(_object("Where it is.", {"destinationPath": _TEXT})),
        "source": _object(
            "What is in it.",
            {
                "type": _TEXT,
                "secret": {"$ref": "io.k8s.api.core.v1.SecretVolumeSource"},
                "configMap": {"$ref": "io.k8s.api.core.v1.ConfigMapVolumeSource"},
            },
        ),
    },
)
_STRATEGY = _object(
    "How the image is made: exactly one of these.",
    {
        "type": _text("Filled in."),
        "sourceStrategy": _object(
            "Source to image: a builder image assembles the source.",
            {
                "from": _REFERENCE,
                "pullSecret": _LOCAL,
                "env": _ENV,
                "scripts": _text("Where assemble and run are: before those of source and image."),
                "incremental": _FLAG,
                "forcePull": _FLAG,
                "volumes": _list(_VOLUME),
            },
        ),
        "dockerStrategy": _object(
            "A Dockerfile.",
            {
                "from": _REFERENCE,
                "pullSecret": _LOCAL,
                "noCache": _FLAG,
                "env": _ENV,
                "forcePull": _FLAG,
                "dockerfilePath": _TEXT,
                "buildArgs": _ENV,
                "imageOptimizationPolicy": _TEXT,
                "volumes": _list(_VOLUME),
            },
        ),
        "customStrategy": _object("Not offered.", {"from": _REFERENCE, "env": _ENV}),
        "jenkinsPipelineStrategy": _object("Not offered.", {"jenkinsfile": _TEXT}),
    },
)
_LABEL = _object("A label of the image.", {"name": _TEXT, "value": _TEXT})
_OUTPUT = _object(
    "Where the image goes.",
    {"to": _REFERENCE, "pushSecret": _LOCAL, "imageLabels": _list(_LABEL)},
)
_COMMON: Schema = {
    "serviceAccount": _TEXT,
    "source": _SOURCE,
    "revision": _REVISION,
    "strategy": _STRATEGY,
    "output": _OUTPUT,
    "resources": {"$ref": "io.k8s.api.core.v1.ResourceRequirements"},
    "postCommit": _object(
        "What runs in the new image before it is pushed.",
        {"command": _list(_TEXT), "args": _list(_TEXT), "script": _TEXT},
    ),
    "completionDeadlineSeconds": {**_INT64, "description": "How long a build may take."},
    "nodeSelector": _MAP,
    "mountTrustedCA": _FLAG,
}
_HOOK = _object(
    "A webhook.",
    {
        "secret": _TEXT,
        "allowEnv": _FLAG,
        "secretReference": _object("The secret that has its key.", {"name": _TEXT}),
    },
)
_IMAGE_CHANGE = _object(
    "A new builder image.", {"lastTriggeredImageID": _TEXT, "from": _REFERENCE, "paused": _FLAG}
)
_TRIGGER = _object(
    "What starts a build.",
    {
        "type": _TEXT,
        **dict.fromkeys(("github", "gitlab", "bitbucket", "generic"), _HOOK),
        "imageChange": _IMAGE_CHANGE,
    },
)
_HOOK_CAUSE = _object("A webhook was called.", {"revision": _REVISION, "secret": _TEXT})
_CAUSE = _object(
    "Why a build was started.",
    {
        "message": _TEXT,
        **{f"{name}WebHook": _HOOK_CAUSE for name in ("github", "gitlab", "bitbucket", "generic")},
        "imageChangeBuild": _object(
            "A new builder image.", {"imageID": _TEXT, "fromRef": _REFERENCE}
        ),
    },
)
_STEP: Schema = {"name": _TEXT, "startTime": _TIME, "durationMilliseconds": _INT64}
_STAGE = _object("A stage of the build.", {**_STEP, "steps": _list(_object("A step.", _STEP))})
_CONDITION = _object(
    "Whether the build is in a phase.",
    {
        "type": _TEXT,
        "status": _TEXT,
        "lastUpdateTime": _TIME,
        "lastTransitionTime": _TIME,
        "reason": _TEXT,
        "message": _TEXT,
    },
)
_TAG_REFERENCE = _object("A tag of a stream.", {"namespace": _TEXT, "name": _TEXT})

BUILD_CONFIG = _object(
    "BuildConfig says how an image is built from source, again and again.",
    {
        "spec": _object(
            "What is wished of its builds.",
            {
                **_COMMON,
                "triggers": _list(_TRIGGER),
                "runPolicy": _text("Serial, SerialLatestOnly or Parallel."),
                "successfulBuildsHistoryLimit": _INT32,
                "failedBuildsHistoryLimit": _INT32,
            },
        ),
        "status": _object(
            "What has been built.",
            {
                "lastVersion": {**_INT64, "description": "The number of the newest build."},
                "imageChangeTriggers": _list(
                    _object(
                        "What an image change trigger has seen.",
                        {
                            "lastTriggeredImageID": _TEXT,
                            "from": _TAG_REFERENCE,
                            "lastTriggerTime": _TIME,
                        },
                    )
                ),
            },
        ),
    },
)
BUILD = _object(
    "Build is one run of a build, with its log.",
    {
        "spec": _object(
            "What is built.", {**_COMMON, "triggeredBy": _list(_CAUSE, "Why it was started.")}
        ),
        "status": _object(
            "How far it has come.",
            {
                "phase": _text("New, Pending, Running, Complete, Failed, Error or Cancelled."),
                "cancelled": {**_FLAG, "description": "Set it to end the build."},
                "reason": _text("Why it is in its phase, in one word."),
                "message": _text("The same in a sentence, with what to try."),
                "startTimestamp": _TIME,
                "completionTimestamp": _TIME,
                "duration": {**_INT64, "description": "In nanoseconds."},
                "outputDockerImageReference": _TEXT,
                "config": _REFERENCE,
                "output": _object(
                    "What was pushed.", {"to": _object("The image.", {"imageDigest": _TEXT})}
                ),
                "stages": _list(_STAGE, "In order of time."),
                "logSnippet": _text("The last lines of the log of a build that failed."),
                "conditions": _list(_CONDITION),
            },
        ),
    },
)
