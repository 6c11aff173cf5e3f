"""The container `sti-build`: source and builder image in, a pushed image out.

Stages as OpenShift names them: PullImages, Build, PostCommit, PushImage (FetchInputs is the other
container's). Source: openshift/builder pkg/build/builder/sti.go.
"""

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from minato_build import paths
from minato_build.commands import Done
from minato_build.dockerfile import (
    Assembly,
    Builder,
    assemble_dockerfile,
    dependencies_dockerfile,
)
from minato_build.images import BUILT, Buildah, exit_status, failed_in_run, note_of
from minato_build.plan import BuildPlan
from minato_build.report import BuildError, Report, say
from minato_build.source import (
    SCRIPTS,
    apply_ignore,
    dependency_files,
    files_digest,
    merge_environment,
    read_environment,
    take_scripts,
)

DOWNLOAD_S = 30
DEPENDENCIES = "localhost/minato-dependencies"
_OK = (200, 201)
_FULL = "No space left on device"


def build(report: Report) -> None:
    """Build and push as the plan says. Raises BuildError."""
    plan = BuildPlan.read(paths.BUILD_PLAN)
    buildah = Buildah(insecure=plan.insecure)
    buildah.make_room()
    with report.step("PullImages", "PullBaseImage"):
        builder, pulled = buildah.builder(plan.builder, force=plan.force_pull)
    if pulled:
        say(f"Using {plan.builder} as the s2i builder image")
    work = S2IBuild(plan, builder, buildah, report)
    work.prepare()
    work.assemble()
    work.post_commit()
    work.push()


class S2IBuild:
    """One build by the Source strategy, stage by stage."""

    def __init__(self, plan: BuildPlan, builder: Builder, buildah: Buildah, report: Report) -> None:
        self._plan, self._builder, self._buildah, self._report = plan, builder, buildah, report
        self._source = paths.UPLOAD / "src"
        self._scripts = paths.UPLOAD / "scripts"

    def prepare(self) -> None:
        """Lay the upload out: source, scripts; read what the source says."""
        shutil.rmtree(paths.CONTEXT, ignore_errors=True)
        paths.UPLOAD.mkdir(parents=True)
        paths.CONTEXT.chmod(0o755)
        (paths.CHECKOUT / self._plan.context_dir.strip("/")).rename(self._source)
        if _is_remote(self._plan.scripts_url):
            self._download(self._plan.scripts_url)
        taken = [] if self._place_named else take_scripts(self._source, self._scripts)
        if taken:
            say(f"Using the scripts of the repository: {', '.join(taken)}")
        if _is_remote(self._builder.scripts_url):  # what it lacks is missed when it is needed
            for problem in download_scripts(self._builder.scripts_url, self._scripts):
                say(f"warning: the builder image's script cannot be fetched: {problem}")
        apply_ignore(self._source)

    def _download(self, url: str) -> None:
        """Fetch the BuildConfig's scripts. Raises BuildError where there are none."""
        problems = download_scripts(url, self._scripts)
        if not any(self._scripts.iterdir()):
            raise BuildError(
                "FetchScriptsFailed",
                f"No script can be fetched from {url}: {'; '.join(problems)}",
                "spec.strategy.sourceStrategy.scripts names a directory with assemble and run.",
            )

    def assemble(self) -> None:
        """Run assemble on top of the builder, or of its layer of dependencies."""
        own = read_environment(self._source)
        kept = merge_environment(own, self._plan.environment, self._commit())
        _check_environment(kept)
        base = self._dependencies(merge_environment(own, self._asked()))
        archive = self._artifacts() if self._plan.incremental else ""
        say("Generating the image: assemble")
        with self._report.step("Build", "DockerBuild"):
            assembly = self._assembly(base, kept, archive)
            done = self._buildah.build(
                assemble_dockerfile(assembly),
                BUILT,
                context=paths.CONTEXT,
                arguments=self._plan.build_arguments,
            )
        self._check(done, "assemble")

    def post_commit(self) -> None:
        """Run the hook in the new image; its failure stops the push."""
        hook = self._plan.post_commit
        argv = hook.argv
        if not argv:
            return
        if hook.is_arguments:  # buildah leaves the image's entry point out
            argv = [*self._buildah.entrypoint(BUILT), *argv]
        say("Running post commit hook ...")
        with self._report.step("PostCommit", "RunPostCommitHook"):
            done = self._buildah.run(BUILT, argv)
        if done.code:
            raise BuildError(
                "PostCommitHookFailed",
                f"The post commit hook ended with exit status {exit_status(done)}.",
                "Its words are in the log. The image was not pushed.",
            )

    def push(self) -> None:
        """Push the image; the digest is what the platform tags."""
        if not self._plan.output:
            say("Build complete, no image push requested")
            return
        say(f"\nPushing image {self._plan.output} ...")
        with self._report.step("PushImage", "PushImage"):
            digest = self._buildah.push(BUILT, self._plan.output)
        self._report.facts["digest"] = digest
        say(f"Successfully pushed {self._plan.output.rpartition(':')[0]}@{digest}")

    def _commit(self) -> list[tuple[str, str]]:
        """Return the commit as the clone found it: the plan knows only one that was asked for."""
        commit = read_revision().get("commit", "")
        return [("OPENSHIFT_BUILD_COMMIT", commit)] if commit else []

    def _asked(self) -> list[tuple[str, str]]:
        """Return the environment without what differs from build to build."""
        return [one for one in self._plan.environment if not one[0].startswith("OPENSHIFT_BUILD_")]

    def _dependencies(self, environment: list[tuple[str, str]]) -> str:
        """Return the image to assemble on; its layer is made once for the same files."""
        builder = self._builder
        files = dependency_files(self._source, builder.dependency_files)
        own = (self._scripts / "dependencies").exists()
        if not files or not builder.is_here or own:
            return builder.reference
        key = files_digest(
            self._source,
            files,
            builder.reference,
            json.dumps(environment),
            json.dumps(dict(self._plan.build_arguments), sort_keys=True),
        )
        tag = f"{DEPENDENCIES}:{key[:32]}"
        note = note_of("dependencies", key)
        if note.is_file() and not self._buildah.missing(tag):
            say("Using the dependencies of an earlier build: their files are the same")
            return tag
        say(f"Installing dependencies of {', '.join(str(one) for one in files)}")
        context = paths.WORKSPACE / "dependencies"
        shutil.rmtree(context, ignore_errors=True)
        for path in files:
            target = context / "dependencies" / "dependencies" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._source / path, target)
        assembly = self._assembly(builder.reference, environment, "")
        with self._report.step("Build", "Dependencies"):
            done = self._buildah.build(
                dependencies_dockerfile(assembly),
                tag,
                context=context,
                arguments=self._plan.build_arguments,
            )
        self._check(done, "dependencies")
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
        return tag

    def _artifacts(self) -> str:
        """Return the name of the archive of artifacts in the context; empty where there is none."""
        with self._report.step("Build", "SaveArtifacts"):
            name = "artifacts.tar"
            try:
                self._buildah.pull(self._plan.incremental, force=True)
            except BuildError:
                say("warning: there is no earlier image, so this is a clean build")
                return ""
            script = f"{self._script_place('save-artifacts')}/save-artifacts"
            user, archive = self._builder.assemble_user, paths.CONTEXT / name
            if self._buildah.save(self._plan.incremental, script, archive, user=user):
                return name
        say("warning: the earlier image saved no artifacts, so this is a clean build")
        (paths.CONTEXT / name).unlink(missing_ok=True)
        return ""

    @property
    def _place_named(self) -> str:
        """Return the directory inside the image that the BuildConfig names; it wins over all."""
        url, prefix = self._plan.scripts_url, "image://"
        return url.removeprefix(prefix).rstrip("/") if url.startswith(prefix) else ""

    def _script_place(self, name: str) -> str:
        if self._place_named:
            return self._place_named
        if (self._scripts / name).exists():
            return f"{self._builder.destination}/scripts"
        return self._builder.scripts

    def _assembly(self, base: str, environment: list[tuple[str, str]], archive: str) -> Assembly:
        for name in ("assemble", "run"):
            if not self._script_place(name):
                raise BuildError(
                    "FetchScriptsFailed",
                    f"There is no {name} script: {self._plan.builder} is no S2I builder image.",
                    "A builder image has the label io.openshift.s2i.scripts-url; `minato` lists"
                    " those of the project openshift.",
                )
        return Assembly(
            builder=self._builder,
            base=base,
            assemble=f"{self._script_place('assemble')}/assemble",
            run=f"{self._script_place('run')}/run",
            environment=environment,
            labels=self._labels(),
            build_arguments=self._plan.build_arguments,
            artifacts=archive,
        )

    def _labels(self) -> list[tuple[str, str]]:
        revision = read_revision()
        prefix = "io.openshift.build."
        generated = [
            (f"{prefix}image", self._plan.builder),
            (f"{prefix}commit.author", revision.get("author", "")),
            (f"{prefix}commit.date", revision.get("date", "")),
            (f"{prefix}commit.id", revision.get("commit", "")),
            (f"{prefix}commit.ref", self._plan.ref or revision.get("ref", "")),
            (f"{prefix}commit.message", revision.get("message", "")),
            (f"{prefix}source-location", self._plan.uri),
            (f"{prefix}source-context-dir", self._plan.context_dir),
        ]
        found = [(name, value.replace("\n", " ")) for name, value in generated if value]
        return merge_environment(found, self._plan.labels)

    def _check(self, done: Done, script: str) -> None:
        """Raise BuildError unless the script and buildah ended well."""
        if not done.code:
            return
        if _FULL in done.output or "disk quota exceeded" in done.output.lower():
            raise BuildError(
                "GenericBuildFailed",
                f"The build filled its disk while {script} ran: {_FULL.lower()}.",
                "Put what need not be in the image into .s2iignore, or build with less.",
            )
        if failed_in_run(done):
            status = exit_status(done)
            killed = " (killed, perhaps for memory)" if status == 137 else ""  # noqa: PLR2004 -- 128 + SIGKILL
            raise BuildError(
                "AssembleFailed",
                f"{script} ended with exit status {status}{killed}.",
                "Its last words are above: they say what it did not find or could not do.",
            )
        last = done.output.splitlines()[-1:] or ["buildah said nothing"]
        raise BuildError("GenericS2IBuildFailed", f"buildah failed: {last[0]}", ours=True)


def _is_remote(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def read_revision() -> dict[str, str]:
    """Return what the clone wrote of the commit; nothing where it wrote nothing."""
    if not paths.REVISION.is_file():
        return {}
    found: dict[str, str] = json.loads(paths.REVISION.read_text())
    return found


def download_scripts(url: str, scripts: Path) -> list[str]:
    """Fetch the scripts from a URL that are not in `scripts` yet; return those that cannot be.

    Source: source-to-image pkg/scripts/download.go: `<url>/<script>`, 200 and 201 count.
    """
    scripts.mkdir(parents=True, exist_ok=True)
    problems = []
    for name in (one for one in SCRIPTS if not (scripts / one).exists()):
        try:
            with urllib.request.urlopen(f"{url.rstrip('/')}/{name}", timeout=DOWNLOAD_S) as answer:  # noqa: S310 -- the platform lets http and https pass
                if answer.status in _OK:
                    (scripts / name).write_bytes(answer.read())
                    (scripts / name).chmod(0o755)
        except (urllib.error.URLError, OSError, ValueError) as error:
            problems.append(f"{name}: {error}")
    return problems


def _check_environment(pairs: list[tuple[str, str]]) -> None:
    for name, value in pairs:
        if "\n" in value or not name.replace("_", "").replace(".", "").replace("-", "").isalnum():
            raise BuildError(
                "GenericS2IBuildFailed",
                f"The variable {name} cannot be kept in an image.",
                "Names are letters, digits and _; values have one line.",
            )
