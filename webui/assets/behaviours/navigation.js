// The sidebar on a phone, the mark of the current page, and where the focus goes after a swap.
const PAGE = "pf-v6-c-page__sidebar";

function mark() {
  const here = window.location.pathname;
  for (const link of document.querySelectorAll("[data-nav] a")) {
    const within = here === link.pathname || here.startsWith(`${link.pathname}/`);
    link.classList.toggle("pf-m-current", within);
    if (within) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const tab = document.querySelector(".pf-v6-c-tabs__item.pf-m-current");
  tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function sidebar(open) {
  const element = document.getElementById("sidebar");
  if (!element) return;
  const narrow = window.matchMedia("(max-width: 75rem)").matches;
  const shown = open ?? !narrow;
  element.classList.toggle("pf-m-expanded", shown);
  element.classList.toggle("pf-m-collapsed", !shown);
  element.toggleAttribute("inert", !shown);
  document.querySelector("[data-sidebar]")?.setAttribute("aria-expanded", String(shown));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-sidebar]")) return;
  sidebar(!document.querySelector(`.${PAGE}`).classList.contains("pf-m-expanded"));
});
document.addEventListener("keydown", (event) => {
  const narrow = window.matchMedia("(max-width: 75rem)").matches;
  if (event.key !== "Escape" || !narrow) return;
  const within = document.getElementById("sidebar")?.contains(document.activeElement);
  sidebar(false);
  if (within) document.querySelector("[data-sidebar]")?.focus();
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "main") return;
  mark();
  sidebar();
  const wrong = document.querySelector("#main [aria-invalid=true]");
  (wrong || document.getElementById("main")).focus({ preventScroll: !wrong });
});
window.addEventListener("resize", () => sidebar());
mark();
sidebar();
