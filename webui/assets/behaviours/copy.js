// Copies the text of the element that data-copy names, and says so to a screen reader too.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  await navigator.clipboard.writeText(text);
  const said = button.parentElement.querySelector("[data-copied]");
  said.hidden = false;
  window.setTimeout(() => (said.hidden = true), 2000);
});
