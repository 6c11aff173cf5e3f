"""The lines that connect a client, ready to copy."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from paas.accounts.kubeconfig import server_of
from paas.settings.instance import Instance

PLACE = "/usr/local/share/ca-certificates/minato.crt"


@dataclass(frozen=True, slots=True)
class Line:
    """What it is for, and the text to copy; `identity` is unique on the page."""

    identity: str
    label: str
    text: str


def client_lines(instance: Instance, *, user: str, token: str) -> list[Line]:
    """Return how git, kubectl and podman sign in; without a token, with a word in its place."""
    word = token or "TOKEN"
    git = instance.url(instance.git_host)
    registry = instance.url(instance.registry_host).removeprefix("https://")
    image = f"{registry}/PROJECT/NAME:TAG"
    kubectl = [
        f"kubectl config set-cluster minato --server={server_of(instance)} "
        f"--tls-server-name={instance.api_host} "
        "--certificate-authority=minato-ca.crt --embed-certs",
        f"kubectl config set-credentials {user} --token={word}",
        f"kubectl config set-context minato --cluster=minato --user={user}",
        "kubectl config use-context minato",
    ]
    remember = "git config --global credential.helper store"
    give = f"printf 'url={git}\\nusername={user}\\npassword={word}\\n' | git credential approve"
    return [
        Line("git", _("git: remember the token, then clone and push"), f"{remember}\n{give}"),
        Line("kubectl", _("kubectl, oc, helm"), "\n".join(kubectl)),
        Line(
            "podman", "podman", f"echo {word} | podman login -u {user} --password-stdin {registry}"
        ),
        Line(
            "podman-push",
            _("podman: push an image; its stream NAME is made by the first push"),
            f"podman tag IMAGE {image}\npodman push {image}",
        ),
        Line("podman-pull", _("podman: pull an image"), f"podman pull {image}"),
    ]


def trust_lines(instance: Instance) -> list[Line]:
    """Return the command by which each client trusts the authority."""
    url = f"{instance.url(instance.console_host)}/ca.crt"
    fetch = Line("get", _("First: fetch the certificate"), f"curl -k -o minato-ca.crt {url}")
    return [fetch, *_machine_lines(), *_single_lines(instance)]


def _machine_lines() -> list[Line]:
    """Return what makes a whole machine trust it."""
    debian = f"sudo cp minato-ca.crt {PLACE} && sudo update-ca-certificates"
    fedora = "sudo cp minato-ca.crt /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust"
    keychain = "/Library/Keychains/System.keychain"
    macos = f"sudo security add-trusted-cert -d -r trustRoot -k {keychain} minato-ca.crt"
    return [
        Line("debian", _("Debian, Ubuntu: the machine (curl, git, kubectl, podman)"), debian),
        Line("fedora", _("Fedora, RHEL: the machine"), fedora),
        Line("macos", _("macOS: the machine"), macos),
        Line("windows", _("Windows: the machine"), "certutil -addstore Root minato-ca.crt"),
    ]


def _single_lines(instance: Instance) -> list[Line]:
    """Return what makes one client trust it, without root."""
    registry = instance.url(instance.registry_host).removeprefix("https://")
    git = instance.url(instance.git_host)
    place = f"~/.config/containers/certs.d/{registry}"
    podman = f"mkdir -p {place} && cp minato-ca.crt {place}/ca.crt"
    browser = "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n minato -i minato-ca.crt"
    trusting = f'git config --global http."{git}/".sslCAInfo "$PWD/minato-ca.crt"'
    return [
        Line("git", _("git alone"), trusting),
        Line("podman", _("podman alone"), podman),
        Line("browser", _("Chrome on Linux"), browser),
    ]


def push_lines(instance: Instance, project: str, name: str) -> list[Line]:
    """Return how to push for the first time: a new repository, or one that is there already."""
    url = f"{instance.url(instance.git_host)}/git/{project}/{name}.git"
    fresh = f"git clone {url}\ncd {name}\n# …write your code…\ngit add -A\ngit commit -m 'First'\n"
    return [
        Line(
            "push-existing",
            _("Your code is in a git repository already"),
            f"git remote add minato {url}\ngit push minato HEAD:main",
        ),
        Line("push-new", _("You begin with an empty folder"), f"{fresh}git push origin HEAD:main"),
    ]
