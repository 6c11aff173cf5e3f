// A button that deletes waits until the name has been typed. The server asks for it as well.
import { mount } from "./mount.js";

mount("[data-typed-name]", (form) => {
  const field = form.querySelector("input[name=typed]");
  const button = form.querySelector("[type=submit]");
  const compare = () => (button.disabled = field.value.trim() !== form.dataset.typedName);
  field.addEventListener("input", compare);
  compare();
});
