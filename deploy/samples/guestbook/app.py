"""A guestbook in one file: shows how an application meets the platform.

It listens on $PORT, answers /healthz, takes its greeting from a ConfigMap and its moderator's word
from a Secret. Entries live in memory: they go when the pod does.
"""

import hmac
import os
import threading
from datetime import UTC, datetime

from flask import Flask, redirect, render_template, request

app = Flask(__name__)
entries: list[dict[str, str]] = []
lock = threading.Lock()


def greeting() -> str:
    return os.environ.get("GREETING", "A guestbook")


@app.get("/")
def index() -> str:
    with lock:
        shown = list(reversed(entries))
    return render_template(
        "index.html", greeting=greeting(), entries=shown, pod=os.environ.get("HOSTNAME", "?")
    )


@app.post("/")
def sign():
    name, text = request.form.get("name", "").strip(), request.form.get("text", "").strip()
    if name and text:
        with lock:
            entries.append({"name": name[:60], "text": text[:500], "at": f"{datetime.now(UTC):%H:%M}"})
            del entries[:-100]
    return redirect("/")


@app.post("/clear")
def clear():
    word = os.environ.get("MODERATOR_WORD", "")
    if not word or not hmac.compare_digest(request.form.get("word", ""), word):
        return "The moderator's word is wrong.\n", 403
    with lock:
        entries.clear()
    return redirect("/")


@app.get("/healthz")
def healthz():
    return {"status": "ok", "entries": len(entries), "commit": os.environ.get("OPENSHIFT_BUILD_COMMIT", "")}


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=int(os.environ.get("PORT", "8080")))
