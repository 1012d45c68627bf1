// A button that opens the browser's own picker of a day and a time.
function render({ model, el }) {
  const label = { type: "button", class: "xnb-copy", "aria-label": "Pick a day and a time" };
  const button = element("button", label, "Pick …");
  const hidden = { class: "xnb-picked", tabindex: "-1", "aria-hidden": "true" };
  const input = element("input", { type: "datetime-local", ...hidden });
  button.addEventListener("click", () => input.showPicker());
  input.addEventListener("change", () => {
    if (!input.value) return;
    model.set("picked", input.value);
    model.save_changes();
  });
  const enable = () => (button.disabled = model.get("disabled"));
  model.on("change:disabled", enable);
  enable();
  el.append(button, input);
  return () => model.off("change:disabled", enable);
}

export default { render };
