// Keeps one fragment true: the server sends it again, over one stream, whenever it changes.
// <div data-live="/its/own/address"> … </div>; the stream rests while the page is hidden.
// What the fragment brings in <template data-live-beside> goes to the page's [data-live-beside].
import { Idiomorph } from "idiomorph";
import htmx from "htmx.org";
import { mount } from "./mount.js";

const RETRY_MS = 3000;

function renew(element, html) {
  Idiomorph.morph(element, html, { morphStyle: "innerHTML", ignoreActiveValue: true });
  htmx.process(element);
  htmx.trigger(element, "htmx:load", { elt: element });
}

mount("[data-live]", (element) => {
  let source = null;
  let timer = 0;
  const life = new AbortController(); // ends with the element: no listener outlives it

  const close = () => {
    window.clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = () => {
    if (!element.isConnected) return end();
    if (source || document.hidden) return;
    source = new EventSource(element.dataset.live || window.location.href);
    source.addEventListener("fragment", (event) => show(event.data));
    source.addEventListener("leave", () => {
      close();
      window.location.reload();
    });
    source.onopen = () => element.removeAttribute("data-stale");
    source.onerror = () => {
      if (!element.isConnected) return close();
      element.setAttribute("data-stale", "");
      if (source.readyState === EventSource.CLOSED) {
        close();
        timer = window.setTimeout(open, RETRY_MS);
      }
    };
  };
  const show = (html) => {
    if (!element.isConnected) return close();
    const sent = document.createElement("template");
    sent.innerHTML = html;
    const beside = sent.content.querySelector("template[data-live-beside]");
    beside?.remove();
    renew(element, sent.innerHTML);
    const other = document.querySelector("[data-live-beside]");
    if (beside && other) renew(other, beside.innerHTML);
  };

  const end = () => {
    close();
    life.abort();
  };
  const options = { signal: life.signal };
  const look = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", look, options);
  document.addEventListener("htmx:afterSwap", () => element.isConnected || end(), options);
  window.addEventListener("pagehide", close, options);
  window.addEventListener("pageshow", look, options);
  open();
});
