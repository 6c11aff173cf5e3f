// Adds a row: a copy of the <template> that data-clone names, before the button.
document.addEventListener("click", (event) => {
  const adds = event.target.closest("[data-clone]");
  if (adds) {
    const template = document.getElementById(adds.dataset.clone);
    const rows = document.getElementById(template.dataset.into);
    rows.append(template.content.cloneNode(true));
    rows.lastElementChild.querySelector("input").focus();
  }
  const removes = event.target.closest("[data-remove-row]");
  if (removes) removes.closest("[data-row]").remove();
});
