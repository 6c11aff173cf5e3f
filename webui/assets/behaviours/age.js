// Keeps "4 minutes ago" true while a page stays open, in the page's language.
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function renew() {
  for (const element of document.querySelectorAll("time[data-age]")) {
    const passed = (Date.now() - Date.parse(element.dateTime)) / 1000;
    if (passed < 10) continue;
    const [unit, size] = UNITS.find(([, seconds]) => passed >= seconds);
    element.textContent = words.format(-Math.floor(passed / size), unit);
  }
}

window.setInterval(renew, 10_000);
