"""What people see where an application does not answer: one small page for each reason.

Nothing in them comes from a user. No script, no picture, nothing from elsewhere.
"""

from dataclasses import dataclass

from paas.core.router import (
    BROKEN,
    BUILDING,
    CUT,
    EMPTY,
    FAILING,
    SILENT,
    STARTING,
    STOPPED,
    UNKNOWN,
    UNREACHABLE,
    WAITING,
)

AGAIN_S = 5


@dataclass(frozen=True, slots=True)
class _Page:
    title: str
    what: str
    hint: str
    again: bool = False
    code: int = 503


_PAGES = {
    UNKNOWN: _Page(
        "No application has this address",
        "There is no route for this host and path.",
        "Check the spelling of the address. If the application is yours, look at its route: its "
        "host, its path, and whether it was admitted. Plain HTTP may be switched off for it.",
    ),
    UNREACHABLE: _Page(
        "The application does not answer",
        "It has a pod that says it is ready, but no connection to it succeeded.",
        "Does it listen on the port that its service names, on all addresses and not only on "
        "localhost? Its log may say more.",
        again=True,
    ),
    WAITING: _Page(
        "The application waits for its code",
        "Nothing has been built of it yet.",
        "If it is yours, push your code: its page in the console shows the lines.",
        again=True,
    ),
    BUILDING: _Page(
        "The application is being built",
        "Its first image is not ready yet.",
        "This page looks again by itself.",
        again=True,
    ),
    BROKEN: _Page(
        "The application could not be built",
        "Its build failed, and no version before it can serve.",
        "If it is yours, the log of its last build says why. Push a change, or build again.",
        again=True,
    ),
    STARTING: _Page(
        "The application is starting",
        "Its pods are there and not ready yet.",
        "This page looks again by itself.",
        again=True,
    ),
    FAILING: _Page(
        "The application fails to start",
        "Its pods end, or cannot begin, again and again.",
        "If it is yours, its log and the events of its pods say why.",
        again=True,
    ),
    STOPPED: _Page(
        "The application is stopped",
        "It is scaled to zero pods.",
        "If it is yours, scale it to one or more to start it.",
        again=True,
    ),
    EMPTY: _Page(
        "Nothing is behind this address",
        "Its route leads to a service without pods.",
        "If it is yours: is there a service of the name that the route has, and do its labels and "
        "its port fit those of the pods?",
        again=True,
    ),
    SILENT: _Page(
        "The application did not answer in time",
        "It took the request and said nothing for a minute.",
        "If it is yours, its log may say what it waits for. Do its workers run?",
        code=504,
    ),
    CUT: _Page(
        "The application broke off",
        "It took the request and ended without an answer.",
        "Try again. If it is yours, its log says what it ended with.",
        code=502,
    ),
}

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;"
    "place-items:center;background:#f4f6f8;color:#1b2733}"
    "main{max-width:34rem;margin:1rem;padding:2rem;border-radius:.75rem;background:#fff;"
    "border-top:4px solid #0a6ebd;box-shadow:0 1px 8px #0002}"
    "h1{font-size:1.4rem;margin:0 0 .75rem}p{margin:.5rem 0}small{color:#5a6875}"
    "@media(prefers-color-scheme:dark){body{background:#11171d;color:#e4eaf0}"
    "main{background:#1b242d}small{color:#9dabb8}}"
)


def router_pages() -> dict[str, str]:
    """Return each page's HTML by its name, which is that of its backend where it has one."""
    return {name: _html(page) for name, page in _PAGES.items()}


def _html(page: _Page) -> str:
    again = f"<meta http-equiv=refresh content={AGAIN_S}>" if page.again else ""
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"{again}<title>{page.title}</title><style>{_STYLE}</style></head>"
        f"<body><main role=main><h1>{page.title}</h1><p>{page.what}</p><p>{page.hint}</p>"
        f"<p><small>{page.code} · Minato</small></p></main></body></html>\n"
    )
