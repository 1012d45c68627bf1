// A button that opens the browser's own picker of a day and a time.
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "xnb-copy";
  button.textContent = "Pick …";
  button.setAttribute("aria-label", "Pick a day and a time");
  const input = document.createElement("input");
  input.type = "datetime-local";
  input.className = "xnb-picked";
  input.tabIndex = -1;
  input.setAttribute("aria-hidden", "true");
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
