"""The console's npm bundle: built in the checkout by Vite, carried into the release."""

import hashlib
import sys
from pathlib import Path

from deploy.errors import again, failures
from deploy.report import Report, explain
from deploy.runner import installer_settings, run
from paas.core.errors import PaasError

BUILD_S = 900.0
_MADE = ("node_modules", "dist", "__pycache__", "locale", "templates")


def exists(checkout: Path) -> bool:
    """Say whether the console has anything to bundle."""
    return (checkout / "webui" / "package.json").exists()


def built(checkout: Path) -> bool:
    """Say whether the bundle was made from the sources as they are now."""
    mark = _mark(checkout)
    return mark.exists() and mark.read_text() == _digest(checkout)


def build(checkout: Path) -> None:
    """Install the locked npm packages and bundle them. Raises CommandError."""
    webui = checkout / "webui"
    hint = "Check that the machine reaches the npm registry: npm ping"
    run(
        ["npm", "ci", "--no-audit", "--no-fund"],
        timeout_s=BUILD_S,
        cwd=webui,
        env=installer_settings(),
        hint=hint,
    )
    run(["npm", "run", "build"], timeout_s=BUILD_S, cwd=webui)
    _mark(checkout).parent.mkdir(parents=True, exist_ok=True)
    _mark(checkout).write_text(_digest(checkout))


def main() -> int:
    """Bundle the checkout's console where that is due; for tests and for working on it."""
    checkout = Path(__file__).resolve().parent.parent
    if not exists(checkout) or built(checkout):
        return 0
    try:
        title = "The console's bundle (npm)"
        with failures(title, again()), Report(1).step(title):
            build(checkout)
    except PaasError as error:
        sys.stderr.write(explain(error))
        return 1
    return 0


def _mark(checkout: Path) -> Path:
    return checkout / "webui" / "static" / "dist" / ".sources.sha256"


def _digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted((checkout / "webui").rglob("*")):
        if path.suffix in {".py", ".pyc"} or not path.is_file() or set(path.parts) & {*_MADE}:
            continue
        digest.update(f"{path.relative_to(checkout)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
