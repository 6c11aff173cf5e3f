"""Names that the router's frame (set-up) and the route controller share.

The frame is written by set-up and looks every request up in a map whose values are names of
backends: the pages and the redirect below, which the frame has itself, or the controller's own.
"""

DIRECTORY = "router"
"""Below the instance's etc: maps, certificates and pages."""

FRAME = "router.initial.cfg"
"""Below the instance's etc: the frame as set-up wrote it last, without pools."""

PLAIN_MAP, SECURE_MAP = "http.map", "https.map"
CERTIFICATES = "certificates.list"
METRICS_SOCKET = "metrics.sock"
"""Below the run directory of the router: HAProxy's own Prometheus exporter."""

POOLS_MARK = "# -- from here on the route controller's: see paas/routes --\n"
"""Divides router.cfg: what is above comes from set-up."""

REDIRECT = "to-https"
ONWARD_PLAIN, ONWARD_SECURE = "onward-http", "onward-https"
"""From a worker that was replaced to the one of now: the old one's servers cannot be changed."""

UNKNOWN, UNREACHABLE = "page-unknown", "page-unreachable"
WAITING, BROKEN = "page-waiting", "page-broken"
BUILDING, STARTING = "page-building", "page-starting"
FAILING, STOPPED, EMPTY = "page-failing", "page-stopped", "page-empty"
PAGES = (UNKNOWN, UNREACHABLE, WAITING, BUILDING, BROKEN, STARTING, FAILING, STOPPED, EMPTY)
SILENT, CUT = "page-silent", "page-cut"
"""No backends: what is said where an application took a request and gave no answer."""
