// htmx under a strict content security policy: nothing evaluated, nothing styled inline.
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0; // pages are live: going back asks again
htmx.config.refreshOnHistoryMiss = true;
htmx.config.scrollBehavior = "instant";
// a refusal is a page or a form with messages: it is shown
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[2345]..", swap: true },
];

document.addEventListener("htmx:sendError", () => {
  document.querySelector("[data-offline]")?.removeAttribute("hidden");
});
document.addEventListener("htmx:afterOnLoad", () => {
  document.querySelector("[data-offline]")?.setAttribute("hidden", "");
});
