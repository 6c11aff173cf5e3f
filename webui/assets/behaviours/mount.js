// Binds a behaviour to the elements of a selector, now and whenever htmx brings new ones.
export function mount(selector, bind) {
  const bound = new WeakSet();
  const look = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.push(root);
    for (const element of found) {
      if (bound.has(element)) continue;
      bound.add(element);
      bind(element);
    }
  };
  document.addEventListener("htmx:load", (event) => look(event.detail.elt));
  look(document);
}
