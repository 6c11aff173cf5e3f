// Runs before the page is painted: dark or light, as chosen here or as the system says.
const CHOICE = "minato-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");

function apply() {
  const chosen = window.localStorage.getItem(CHOICE);
  const dark = chosen ? chosen === "dark" : system.matches;
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
}

apply();
system.addEventListener("change", apply);
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-theme-toggle]")) return;
  const dark = document.documentElement.classList.contains("pf-v6-theme-dark");
  window.localStorage.setItem(CHOICE, dark ? "light" : "dark");
  apply();
});
