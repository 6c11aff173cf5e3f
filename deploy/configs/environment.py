"""The one file of settings from which every process of a platform gets its environment."""

from collections.abc import Mapping

from deploy import layout, runner
from paas.settings.instance import Instance


def chosen(instance: Instance) -> dict[str, str]:
    """Return the settings that make this instance, as variables."""
    return {
        "MINATO_HOME": str(instance.home),
        "MINATO_INSTANCE": str(instance.number),
        "MINATO_DOMAIN": instance.domain,
        "MINATO_BIND": instance.bind,
        "MINATO_HTTP_PORT": str(instance.http_port),
        "MINATO_HTTPS_PORT": str(instance.https_port),
    }


def no_proxy(instance: Instance) -> dict[str, str]:
    """Return the variables that keep a platform's own names and networks from a proxy."""
    names = instance.domain, f".{instance.domain}", layout.loopback(instance)
    return runner.no_proxy(*names, str(instance.pod_network), str(instance.service_network))


def environment_of(
    instance: Instance,
    *,
    base: Mapping[str, str],
    before: Mapping[str, str],
    asked: Mapping[str, str],
) -> dict[str, str]:
    """Return the whole environment: `base` is the machine's part (PATH, CA bundle, proxies).

    Of the file as it was `before`, other MINATO_ settings stay: an administrator's own. What was
    `asked` for beside the instance's settings is remembered with them.
    """
    extra = {name: value for name, value in before.items() if name.startswith("MINATO_")}
    ours = {
        "DJANGO_SETTINGS_MODULE": "paas.settings.production",
        "HOME": str(layout.work_directory(instance)),
        "PYTHONUNBUFFERED": "1",
    }
    return {**base, **ours, **extra, **asked, **chosen(instance)}


def format_environment(values: Mapping[str, str]) -> str:
    """Return the file: one NAME=value a line, without quotes."""
    lines = ["# Written by `minato up`. Your own MINATO_ settings may be added; then run it again."]
    lines += [f"{name}={value}" for name, value in sorted(values.items())]
    return "\n".join(lines) + "\n"
