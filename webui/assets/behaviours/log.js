// Follows a log: <pre data-log="/its/stream">. Each piece has an id, so that a lost connection
// resumes where it was, without a gap or a repeat: by itself, or by us where the browser gives up.
import { mount } from "./mount.js";

const KEPT_CHARACTERS = 2_000_000;
const RETRY_MS = 3000;

mount("[data-log]", (output) => {
  const frame = output.closest("[data-log-frame]");
  const follow = frame.querySelector("[data-log-follow]");
  const status = frame.querySelector("[data-log-status]");
  const address = new URL(output.dataset.log, window.location.href);
  let source = null;
  let timer = 0;
  const say = (name) => (status.textContent = status.dataset[name] ?? "");

  const atEnd = () => output.scrollHeight - output.scrollTop - output.clientHeight < 40;
  const add = (text) => {
    const stick = follow.checked;
    output.append(text);
    if (output.textContent.length > KEPT_CHARACTERS) {
      output.textContent = output.textContent.slice(-KEPT_CHARACTERS / 2);
    }
    if (stick) output.scrollTop = output.scrollHeight;
  };

  const close = () => {
    window.clearTimeout(timer);
    source?.close();
  };
  const open = () => {
    if (!output.isConnected) return;
    source = new EventSource(address);
    source.onopen = () => say("following");
    source.onerror = () => {
      if (!output.isConnected) return close();
      say("reconnecting");
      if (source.readyState === EventSource.CLOSED) timer = window.setTimeout(open, RETRY_MS);
    };
    source.onmessage = (event) => {
      if (!output.isConnected) return close();
      address.searchParams.set("position", event.lastEventId);
      add(JSON.parse(event.data));
    };
    source.addEventListener("end", (event) => {
      close();
      status.textContent = event.data || status.dataset.ended;
    });
    source.addEventListener("leave", () => {
      close();
      window.location.reload();
    });
  };
  output.addEventListener("scroll", () => {
    if (follow.checked && !atEnd()) follow.checked = false;
    else if (atEnd()) follow.checked = true;
  });
  follow.addEventListener("change", () => {
    if (follow.checked) output.scrollTop = output.scrollHeight;
  });
  document.addEventListener("htmx:afterSwap", () => output.isConnected || close());
  window.addEventListener("pagehide", close);
  open();
});
