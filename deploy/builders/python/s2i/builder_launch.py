"""What to run: decided by reading the source, never by importing it."""

import ast
import importlib.machinery
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from builder_common import SOURCE, VENV

NAMES = ("application", "app", "api")
FACTORIES = ("create_app", "make_app")
FILES = ("wsgi.py", "asgi.py", "app.py", "main.py", "application.py", "server.py")
_ASGI = {
    "FastAPI", "Starlette", "Quart", "Litestar", "Sanic", "BlackSheep", "get_asgi_application",
    "ProtocolTypeRouter", "WsgiToAsgi",
}
NOTHING = "Found nothing to run."
HINT = (
    "Looked for Procfile (web:), APP_FILE, APP_MODULE, an `app` or `application` in wsgi.py, asgi.py,"
    " app.py, main.py or <package>/wsgi.py (with gunicorn or uvicorn among the requirements), and"
    " app.py, main.py or <package>/__main__.py to run by itself. The application has to listen on"
    " port 8080 (PORT)."
)


@dataclass(frozen=True)
class Target:
    """A module's application object. `kind` is wsgi or asgi; `runs_itself` has a __main__ part."""

    module: str
    attribute: str
    kind: str
    path: Path
    runs_itself: bool


def command(source: Path = SOURCE) -> list[str]:
    """Return argv of the application; empty where nothing is found."""
    home = source / os.environ.get("APP_HOME", "")
    return _asked(home) or _procfile(source) or _served(home) or _plain(home)


def working_directory(source: Path = SOURCE) -> Path:
    """Return where to run it."""
    return source / os.environ.get("APP_HOME", "")


def _asked(home: Path) -> list[str]:
    """Return what APP_MODULE or APP_FILE says."""
    if script := os.environ.get("APP_SCRIPT"):
        return ["/bin/bash", script]
    if module := os.environ.get("APP_MODULE"):
        name, _, attribute = module.partition(":")
        path = home / f"{name.replace('.', '/')}.py"
        tree = _parsed(path) if path.is_file() else None
        kind = _kind(tree, attribute) if tree else "wsgi"
        return _server(Target(name, attribute or "application", kind, path, runs_itself=False))
    if file := os.environ.get("APP_FILE"):
        return [_python(), file]
    return []


def _procfile(source: Path) -> list[str]:
    path = source / "Procfile"
    if not path.is_file():
        return []
    found = re.search(r"^web\s*:\s*(\S.*)$", path.read_text(errors="replace"), re.MULTILINE)
    return ["/bin/sh", "-c", f"exec {found[1]}"] if found else []


def _served(home: Path) -> list[str]:
    """Return a server's command for the first application object that has its server installed."""
    for target in _targets(home):
        if argv := _server(target):
            return argv
        if target.kind == "wsgi" and not target.runs_itself and _has("flask"):
            application = f"{target.module}:{target.attribute}"
            port = os.environ.get("PORT", "8080")
            flask = [_python(), "-m", "flask", "--app", application, "run"]
            return [*flask, "--host", "0.0.0.0", "--port", port]
    return []


def _plain(home: Path) -> list[str]:
    for name in ("app.py", "main.py", "server.py"):
        if (home / name).is_file():
            return [_python(), name]
    packages = sorted(home.glob("*/__main__.py"))
    return [_python(), "-m", packages[0].parent.name] if len(packages) == 1 else []


def _targets(home: Path) -> list[Target]:
    paths = [home / name for name in FILES]
    paths += sorted(home.glob("*/wsgi.py")) + sorted(home.glob("*/asgi.py"))
    paths += [path.with_name("app.py") for path in sorted(home.glob("*/__init__.py"))]
    found = (_target(home, path) for path in paths if path.is_file())
    return [target for target in found if target is not None]


def _target(home: Path, path: Path) -> Target | None:
    tree = _parsed(path)
    if tree is None:
        return None
    module = ".".join(path.relative_to(home).with_suffix("").parts)
    runs_itself = any(isinstance(node, ast.If) and "__main__" in ast.dump(node.test) for node in tree.body)
    defined = _defined(tree)
    attribute = next((name for name in NAMES if name in defined), "")
    if not attribute:
        factory = next((name for name in FACTORIES if name in defined), "")
        attribute = f"{factory}()" if factory else ""
    if not attribute:
        return None
    return Target(module, attribute, _kind(tree, attribute), path, runs_itself)


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(errors="replace"))
    except SyntaxError:  # not ours to judge: it may never be imported
        return None


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _kind(tree: ast.Module, attribute: str) -> str:
    """Return asgi for a coroutine function or a module that uses an ASGI framework."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    coroutines = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    return "asgi" if used & _ASGI or attribute in coroutines else "wsgi"


def _server(target: Target) -> list[str]:
    """Return gunicorn's or uvicorn's command; empty where the one it needs is not installed."""
    application = f"{target.module}:{target.attribute}"
    if target.kind == "wsgi":
        return [_tool("gunicorn"), application] if _has("gunicorn") else []
    if not _has("uvicorn"):
        return []
    factory = target.attribute.endswith("()")
    port = os.environ.get("PORT", "8080")
    argv = [_tool("uvicorn"), application.removesuffix("()"), "--host", "0.0.0.0", "--port", port]
    return [*argv, *(("--factory",) if factory else ()), *shlex.split(os.environ.get("UVICORN_ARGS", ""))]


def _python() -> str:
    return str(VENV / "bin/python")


def _tool(name: str) -> str:
    return str(VENV / "bin" / name)


def _has(package: str) -> bool:
    """Return whether the application's environment has a package."""
    places = [str(path) for path in VENV.glob("lib/python3*/site-packages")]
    return importlib.machinery.PathFinder.find_spec(package, places) is not None
