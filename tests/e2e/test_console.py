"""The console's whole story, from the first login on: Debian's Chromium on a whole platform."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.machine import Person, eventually, get
from tests.e2e.test_push import app_files

pytestmark = pytest.mark.timeout(900)

PATIENCE_MS = 90_000
WHOLE = """Math.max(innerHeight, document.scrollingElement.scrollHeight,
  ...[...document.querySelectorAll('#main')].map((one) => one.scrollHeight + 100))"""
"""How high a page is with all that it would scroll."""
OWN = "chosen by the administrator"
CHOSEN = "chosen by carl himself"


class Tour:
    """A person at a browser; each page that is looked at leaves a picture in `pictures`."""

    def __init__(self, context: BrowserContext, pictures) -> None:
        self._pictures = pictures
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def look(self, name: str) -> None:
        """Keep a picture; whatever a script did wrong until here fails the test."""
        size = self.page.viewport_size
        assert size
        self.page.set_viewport_size({**size, "height": self.page.evaluate(WHOLE)})
        self.page.screenshot(path=self._pictures / f"{name}.png")
        self.page.set_viewport_size(size)
        assert not self.wrong, self.wrong

    def go(self, place: str) -> None:
        self.page.goto(place)

    def fill(self, **fields: str) -> None:
        """Fill fields by the names that the forms give them."""
        for name, value in fields.items():
            self.page.locator(f"main [name={name}]:visible").first.fill(value)

    def press(self, words: str) -> None:
        """Press a button. Before it goes on, the story waits for what the answer says."""
        self.page.get_by_role("button", name=words, exact=True).first.click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).first.click()

    def see(self, words: "str | re.Pattern[str]") -> None:
        expect(self.page.locator("body")).to_contain_text(words)

    def sign_in(self, name: str, password: str, chosen: str) -> None:
        """Sign in for the first time, which asks for a password of one's own."""
        self.go("/")
        self.fill(username=name, password=password)
        self.press("Sign in")
        self.see("New password")
        self.look(f"password-of-{name}")
        self.fill(old=password, new=chosen, again=chosen)
        self.press("Change password")
        expect(self.page.get_by_role("heading", name="Projects")).to_be_visible()


@pytest.fixture
def tour(platform, chromium, tmp_path):
    """Yield what opens a browser profile of its own, with a Tour in it."""
    opened = []

    def begin(**options) -> Tour:
        url = platform.instance.url(platform.instance.console_host)
        context = chromium.new_context(base_url=url, ignore_https_errors=True, **options)
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return Tour(context, tmp_path)

    expect.set_options(timeout=PATIENCE_MS)  # until the end of the run: others are quicker
    yield begin
    for context in opened:
        context.close()


def test_from_the_first_login_to_the_last_delete(platform, tour, tmp_path):
    admin, one = tour(), tour()
    admin.go("/")
    admin.look("sign-in")
    admin.sign_in("admin", first_password(platform), OWN)
    admin.look("projects")
    one.sign_in("carl", new_user(admin, "carl"), CHOSEN)
    carl = Person(platform, "carl", new_token(one), tmp_path / "carl")
    carl.home.mkdir()
    lines_to_copy_work(one, carl)
    (carl.home / "config").write_text(downloaded_kubeconfig(one))
    see_trust(one)

    new_project(one, "quay")
    git_url = new_application(one, "quay", "web")
    clone_as_printed(one, carl, git_url)
    place = carl.repository("web", app_files("one"))
    carl.git("remote", "add", "minato", git_url, cwd=place)
    url = watched_push(one, carl, place)
    see_overview(one, url)
    assert get(platform, url).text == "one "

    change_environment(one)
    eventually(lambda: get(platform, url).text == "one ahoy")
    assert "wrapped in tissue" not in one.page.content()
    scale(one, 2)
    read_log(one, lambda: get(platform, url))
    roll_back(one)
    eventually(lambda: get(platform, url).text == "one ")
    read_manifests(one)
    rebuild(one)
    members_and_bounds(one, admin, "quay")
    assert "quay" not in new_reader_sees(admin, tour)
    stop_and_delete(one)
    nothing_is_left(carl, "quay")
    assert carl.git("ls-remote", git_url, cwd=place, ok=False).returncode != 0
    eventually(lambda: get(platform, url).status_code == 503)
    delete_project(one)


def watched_push(one: Tour, carl: Person, place) -> str:
    """Push, and see in the browser how it goes on by itself; return the application's address."""
    done: list[subprocess.CompletedProcess[str]] = []

    def push() -> None:
        done.append(carl.git("push", "minato", "main", cwd=place, ok=False))

    pushing = threading.Thread(target=push)
    pushing.start()
    one.see("Last build")
    one.follow("web-1")
    expect(one.page.locator("[data-log]")).to_contain_text("Cloning")
    one.see("The log is complete.")
    one.look("build")
    pushing.join()
    assert done[0].returncode == 0, done[0].stderr
    one.follow("Overview")
    one.see("Running")
    return str(one.page.get_by_role("link", name="Open", exact=True).get_attribute("href"))


def see_overview(one: Tour, url: str) -> None:
    """See where the application is and what was built last; then the same in the project's list."""
    main = one.page.locator("main")
    expect(main.get_by_role("link", name=url, exact=True)).to_be_visible()
    last = main.get_by_role("region", name="Last build")
    expect(last).to_contain_text("web-1")
    expect(last).to_contain_text("Complete")
    expect(last).to_contain_text("First")  # the commit's message
    one.look("overview")
    one.go("/projects/quay")
    row = main.get_by_role("row").filter(has=one.page.get_by_role("link", name="web", exact=True))
    expect(row).to_contain_text("Running")
    expect(row).to_contain_text("web-1")
    assert row.get_by_role("link", name=url).get_attribute("href") == url
    one.look("project")
    one.go("/projects/quay/applications/web")


def lines_to_copy_work(one: Tour, carl: Person) -> None:
    """Run the lines of Connect for git and podman as they are printed."""
    carl.shell(one.page.locator("#git").inner_text())
    carl.shell(one.page.locator("#podman").inner_text())


def see_trust(one: Tour) -> None:
    """See how clients learn to trust the platform, and that the first line fetches what it says."""
    one.follow("The command for each client")
    one.see("update-ca-certificates")
    one.look("trust")
    one.go("/")


def clone_as_printed(one: Tour, carl: Person, git_url: str) -> None:
    """Begin with an empty folder, as the page says."""
    clone = one.page.locator("#push-new").inner_text().splitlines()[0]
    assert clone == f"git clone {git_url}"
    carl.shell(clone)
    assert (carl.home / "web" / ".git").is_dir()
    shutil.rmtree(carl.home / "web")


def delete_project(one: Tour) -> None:
    one.follow("Delete")
    one.fill(typed="quay")
    one.look("project-delete")
    one.press("Delete project")
    one.see("The project quay is being deleted.")
    expect(one.page.get_by_role("link", name="quay", exact=True)).to_have_count(0)
    one.look("project-gone")


def read_manifests(one: Tour) -> None:
    one.follow("YAML")
    expect(one.page.locator("#yaml")).to_contain_text("kind: Deployment")
    one.look("yaml")


def rebuild(one: Tour) -> None:
    one.follow("Builds")
    one.press("Rebuild web-1")
    one.page.wait_for_url("**/builds/web-2")  # the list may show it sooner than the answer comes
    one.follow("Builds")
    expect(one.page.locator("#build-web-2")).to_contain_text("Complete")
    one.look("builds")


def stop_and_delete(one: Tour) -> None:
    one.go("/projects/quay/applications/web/scale")
    one.fill(replicas="0")
    one.press("Scale")
    one.see("pods are wanted now.")
    one.follow("Overview")
    one.see("No pod runs.")
    one.look("stopped")
    one.follow("Delete")
    one.fill(typed="web")
    one.look("delete")
    one.press("Delete application")
    one.see("No application yet")
    one.look("project-empty")


def first_password(platform) -> str:
    found = re.search(r"First login: admin / (\S+)", platform.first_up)
    assert found
    return found[1]


def new_user(admin: Tour, name: str) -> str:
    admin.follow("Users")
    admin.follow("Create user")
    admin.fill(name=name, full_name="A person")
    admin.look("user-new")
    admin.press("Create user")
    password = admin.page.locator("#password").inner_text().strip()
    admin.look("password-shown")
    admin.go("/users")
    admin.see(name)
    admin.look("users")
    return password


def new_token(one: Tour) -> str:
    one.follow("Connect")
    one.press("Make a token")
    token = one.page.locator("#token").inner_text().strip()
    one.look("connect")
    return token


def downloaded_kubeconfig(one: Tour) -> str:
    with one.page.expect_download() as download:
        one.press("Download kubeconfig")
    return download.value.path().read_text()


def new_project(one: Tour, name: str) -> None:
    # not by the link: its answer may come after the next one's, which this page offers as well
    one.go("/projects")
    one.follow("Create project")
    one.fill(name=name)
    one.look("project-new")
    one.press("Create project")
    one.see("No application yet")


def new_application(one: Tour, project: str, name: str) -> str:
    """Create an application with a repository of its own; return the repository's address."""
    one.follow("Create application")
    one.fill(name="Not-A-Name")
    one.press("Show what will be created")
    one.see("DNS-1035")
    one.look("create-refused")
    one.fill(name=name)
    one.press("Show what will be created")
    expect(one.page.locator("#yaml")).to_contain_text("kind: BuildConfig")
    one.look("create-review")
    one.press("Create application")
    one.see("Waiting for the first push")
    one.look("waits-for-push")
    found = re.search(r"https://\S+\.git", one.page.locator("#push-existing").inner_text())
    assert found
    return found[0]


def change_environment(one: Tour) -> None:
    one.follow("Environment")
    row = one.page.locator("[data-row]").last
    row.locator("[name=env_name]").fill("GREETING")
    row.locator("[name=env_value]").fill("ahoy")
    one.press("One more")
    row = one.page.locator("[data-row]").last
    row.locator("[name=env_name]").fill("TOKEN")
    row.locator("[name=env_source]").select_option("newSecret")
    row.locator("[name=env_value]").fill("wrapped in tissue")
    one.press("Save")
    one.see("Saved. New pods are being rolled out.")
    one.follow("Environment")
    names = one.page.locator("[name=env_name]")
    expect(names.nth(names.count() - 1)).to_be_visible()
    one.look("environment")


def scale(one: Tour, replicas: int) -> None:
    one.follow("Scale")
    one.fill(replicas=str(replicas))
    one.look("scale")
    one.press("Scale")
    one.see("pods are wanted now.")
    one.follow("Pods")
    ready = one.page.locator("[id^=pod-web-]", has_text="1/1")
    expect(ready).to_have_count(replicas)
    one.look("pods")


def read_log(one: Tour, ask: Callable[[], object]) -> None:
    """See requests in the log of one pod; which pod gets one is not ours to say."""
    one.follow("Logs")
    log = one.page.locator("[data-log]")
    eventually(lambda: ask() and "GET /" in log.inner_text())
    one.look("logs")


def roll_back(one: Tour) -> None:
    one.follow("Roll-outs")
    one.see("Wanted now")
    one.look("roll-outs")
    one.press("Back to 1")


def members_and_bounds(one: Tour, admin: Tour, project: str) -> None:
    one.go(f"/projects/{project}/members")
    one.fill(name="admin")
    one.page.locator("main [name=role]:visible").first.select_option("view")
    one.press("Add member")
    expect(one.page.get_by_role("button", name="Remove admin")).to_be_visible()
    one.look("members")
    one.go(f"/projects/{project}/quota")
    one.see("Only the administrator of the platform changes these.")
    admin.go(f"/projects/{project}/quota")
    admin.page.locator("main [name=pods]:visible").first.fill("17")
    admin.press("Save")
    admin.see("of 17")
    one.go(f"/projects/{project}/quota")
    one.see("of 17")
    one.look("bounds")


def new_reader_sees(admin: Tour, tour) -> str:
    """Return what the projects page of somebody without a project says, on a dark telephone."""
    password = new_user(admin, "dora")
    dora = tour(viewport={"width": 390, "height": 844}, color_scheme="dark")
    dora.sign_in("dora", password, CHOSEN)
    dora.look("telephone")
    dora.go("/projects/quay")
    dora.look("forbidden")
    dora.go("/projects")
    return str(dora.page.locator("main").inner_text())


def nothing_is_left(carl: Person, project: str) -> None:
    """Wait until the application's objects, pods and builds are gone."""
    kinds = "deploy,rs,pods,svc,routes,builds,buildconfigs,imagestreams,secrets"
    labels = "app.kubernetes.io/instance=web"

    def left():
        return carl.kubectl("-n", project, "get", kinds, "-l", labels, "-o", "name").split()

    eventually(lambda: not [one for one in left() if not one.startswith("secret/")])
