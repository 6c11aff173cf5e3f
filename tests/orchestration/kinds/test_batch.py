"""Jobs and CronJobs: defaults, selectors, rules, columns."""

import copy

import pytest

from paas.orchestration.kinds.batch import CRON_JOB, JOB
from tests.orchestration.kinds.objects import broken, container, lines, made, row

UID = "0f"


def job(name="work", **spec):
    template = {"spec": {"restartPolicy": "Never", "containers": [container("work")]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "shop", "uid": UID},
        "spec": {"template": template, **spec},
    }


def cron_job(name="tick", job_spec=None, **spec):
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "schedule": "*/5 * * * *",
            "jobTemplate": {"spec": job_spec or job()["spec"]},
            **spec,
        },
    }


def test_a_bare_job_gets_upstreams_defaults_and_its_own_selector():
    obj = made(JOB, job())
    spec = obj["spec"]
    assert {key: spec[key] for key in spec.keys() - {"selector", "template"}} == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "manualSelector": False,
    }
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    assert spec["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": UID,
        "batch.kubernetes.io/job-name": "work",
        "controller-uid": UID,
        "job-name": "work",
    }
    assert obj["status"] == {}


def test_what_depends_on_other_fields_does():
    assert "completions" not in made(JOB, job(parallelism=3))["spec"]
    assert made(JOB, job(backoffLimitPerIndex=1))["spec"]["backoffLimit"] == 2**31 - 1
    policy = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}
    spec = made(JOB, job(podFailurePolicy=policy))["spec"]
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"


def test_a_bare_cron_job_gets_upstreams_defaults():
    spec = made(CRON_JOB, cron_job())["spec"]
    assert {key: spec[key] for key in spec.keys() - {"jobTemplate", "schedule"}} == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    assert spec["jobTemplate"]["spec"].keys() == {"template"}


def template(**spec):
    pod = {"restartPolicy": "Never", "containers": [container("work")], **spec}
    return {"template": {"spec": pod}}


INDEXED = {"completionMode": "Indexed", "completions": 5}
CODES = {"operator": "In", "values": [1]}


def failing(**rule):
    return {"podFailurePolicy": {"rules": [{"action": "Count", **rule}]}}


def succeeding(**rule):
    return {**INDEXED, "successPolicy": {"rules": [rule]}}


RESTART = "spec.template.spec.restartPolicy"
RULE = "spec.podFailurePolicy.rules[0]"
SUCCESS = "spec.successPolicy.rules[0]"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (INDEXED, []),
        (failing(onExitCodes=CODES), []),
        (succeeding(succeededIndexes="0-2", succeededCount=2), []),
        (
            {"parallelism": -1},
            ["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
        ),
        (
            template(restartPolicy=None),
            [f'{RESTART}: Required value: valid values: "OnFailure", "Never"'],
        ),
        (
            template(restartPolicy="Sometimes"),
            [
                'spec.template.spec.restartPolicy: Unsupported value: "Sometimes": supported '
                'values: "Always", "OnFailure", "Never"'
            ],
        ),
        (
            {"completionMode": "Indexed", "parallelism": 2},
            ["spec.completions: Required value: when completion mode is Indexed"],
        ),
        (
            {"backoffLimitPerIndex": 1},
            ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
        ),
        (
            {**INDEXED, "maxFailedIndexes": 6, "backoffLimitPerIndex": 1},
            ["spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions"],
        ),
        (
            {**INDEXED, "maxFailedIndexes": 1},
            ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"],
        ),
        (
            {"managedBy": "me"},
            [
                'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as '
                '"acme.io/foo")'
            ],
        ),
        (
            failing(),
            [
                f"{RULE}: Invalid value: specifying one of OnExitCodes and OnPodConditions is "
                "required"
            ],
        ),
        (
            failing(action="Give", onExitCodes=CODES),
            [
                f'{RULE}.action: Unsupported value: "Give": supported values: "Count", '
                '"FailIndex", "FailJob", "Ignore"'
            ],
        ),
        (
            failing(action="FailIndex", onExitCodes=CODES),
            [
                f'{RULE}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to '
                "be set"
            ],
        ),
        (
            failing(onExitCodes={"operator": "In", "values": [2, 0, 2], "containerName": "x"}),
            [
                f'{RULE}.onExitCodes.containerName: Invalid value: "x": must be one of the '
                "container or initContainer names in the pod template",
                f"{RULE}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In "
                "operator",
                f"{RULE}.onExitCodes.values[2]: Duplicate value: 2",
                f"{RULE}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
            ],
        ),
        (
            {**failing(onExitCodes=CODES), **template(restartPolicy="OnFailure")},
            [
                'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is '
                "supported when podFailurePolicy is specified"
            ],
        ),
        (
            {"podReplacementPolicy": "Never"},
            [
                'spec.podReplacementPolicy: Unsupported value: "Never": supported values: '
                '"Failed", "TerminatingOrFailed"'
            ],
        ),
        (
            succeeding(),
            [
                f"{SUCCESS}: Required value: at least one of succeededCount or succeededIndexes "
                "must be specified"
            ],
        ),
        (
            succeeding(succeededIndexes="3-1"),
            [
                f'{SUCCESS}.succeededIndexes: Invalid value: "3-1": error parsing '
                "succeededIndexes: non-increasing order, previous: 3, current: 1"
            ],
        ),
        (
            succeeding(succeededIndexes="1,9"),
            [
                f'{SUCCESS}.succeededIndexes: Invalid value: "1,9": error parsing '
                'succeededIndexes: too large index: "9"'
            ],
        ),
        (
            succeeding(succeededCount=6),
            [
                f"{SUCCESS}.succeededCount: Invalid value: 6: must be less than or equal to 5 "
                "(the number of specified completions)"
            ],
        ),
        (
            {"selector": {"matchLabels": {"a": "b"}}, "manualSelector": True},
            [
                "spec.template.metadata.labels: Invalid value: {}: `selector` does not match "
                "template `labels`"
            ],
        ),
    ],
)
def test_what_a_job_may_not_be(spec, expected):
    assert broken(JOB, job(**spec)) == expected


def test_a_selector_of_its_own_may_not_contradict_the_generated_one():
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": "other"}}
    found = broken(JOB, job(selector=selector))
    assert any("`selector` not auto-generated" in line for line in found)


def test_the_last_host_name_of_an_indexed_job_must_fit():
    (found,) = broken(JOB, job("n" * 62, **INDEXED))
    assert "will not able to create pod with invalid DNS label" in found


def changed(path, value, **spec):
    old = made(JOB, job(**spec))
    new = copy.deepcopy(old)
    here = new
    for step in path[:-1]:
        here = here.setdefault(step, {})
    here[path[-1]] = value
    return lines(JOB.validate_update(new, old))


def test_what_makes_up_a_job_stays():
    assert changed(("spec", "parallelism"), 4) == []
    assert changed(("spec", "suspend"), True) == []
    assert changed(("spec", "completions"), 4) == [
        "spec.completions: Invalid value: 4: field is immutable"
    ]
    image = ("spec", "template", "spec", "restartPolicy")
    assert "field is immutable" in changed(image, "OnFailure")[0]


def test_an_indexed_job_may_grow_in_tandem():
    assert changed(("spec", "completions"), 4, completionMode="Indexed", completions=2) == [
        "spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"
    ]
    spec = {"completionMode": "Indexed", "completions": 2, "parallelism": 4}
    assert changed(("spec", "completions"), 4, **spec) == []


def test_where_a_suspended_job_will_run_may_change():
    path = ("spec", "template", "spec", "nodeSelector")
    assert changed(path, {"disk": "ssd"}, suspend=True) == []
    assert changed(path, {"disk": "ssd"}) != []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"timeZone": "Europe/Berlin"}, []),
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        (
            {"schedule": "* * *"},
            ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
        ),
        (
            {"schedule": "TZ=UTC * * * * *"},
            [
                'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in '
                "schedule, use timeZone field instead"
            ],
        ),
        (
            {"timeZone": "Mars/Base"},
            ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base'],
        ),
        (
            {"timeZone": "../etc/passwd"},
            ['spec.timeZone: Invalid value: "../etc/passwd": unknown time zone ../etc/passwd'],
        ),
        (
            {"timeZone": "local"},
            [
                'spec.timeZone: Invalid value: "local": timeZone must be an explicit time zone as '
                "defined in https://www.iana.org/time-zones"
            ],
        ),
        (
            {"concurrencyPolicy": "Maybe"},
            [
                'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", '
                '"Forbid", "Replace"'
            ],
        ),
        (
            {"job_spec": {**job()["spec"], "selector": {"matchLabels": {"a": "b"}}}},
            [
                'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: '
                "`selector` will be auto-generated"
            ],
        ),
        (
            {"job_spec": template(restartPolicy="Always")},
            [
                "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid "
                'values: "OnFailure", "Never"'
            ],
        ),
    ],
)
def test_what_a_cron_job_may_not_be(spec, expected):
    assert broken(CRON_JOB, cron_job(**spec)) == expected


def test_a_cron_jobs_name_leaves_room_for_its_jobs():
    assert CRON_JOB.name_errors("n" * 53) == ["must be no more than 52 characters"]
    assert CRON_JOB.name_errors("n" * 52) == []


def cells(kind, obj):
    return list(row(kind, obj).values())


def test_the_columns_tell_how_far_a_job_is():
    obj = made(JOB, job(completions=3, parallelism=2))
    assert cells(JOB, obj)[:3] == ["work", "Running", "0/3"]
    obj["status"] = {
        "succeeded": 3,
        "startTime": "2026-01-01T10:00:00Z",
        "completionTime": "2026-01-01T10:01:05Z",
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    assert cells(JOB, obj)[:4] == ["work", "Complete", "3/3", "65s"]
    queue = made(JOB, job(parallelism=4))
    assert cells(JOB, queue)[2] == "0/1 of 4"


def test_the_columns_tell_when_a_cron_job_ran():
    obj = made(CRON_JOB, cron_job(timeZone="Europe/Berlin"))
    assert cells(CRON_JOB, obj)[:6] == [
        "tick",
        "*/5 * * * *",
        "Europe/Berlin",
        "False",
        0,
        "<none>",
    ]
