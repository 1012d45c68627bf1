// A table of writes whose new values are typed; texts of a server are only ever put in as text.
const COLUMNS = ["Element", "Attribute", "Present value", "New value", "Unit", "Change", "Checks"];

function render({ model, el }) {
  const body = element("tbody");
  const heads = COLUMNS.map((name) => element("th", { scope: "col" }, name));
  const caption = element("caption", { class: "xnb-hidden" }, "Values to be written");
  const table = element("table", { class: "xnb-plan-table" }, caption, element("thead", {}, element("tr", {}, ...heads)), body);
  const scroll = { class: "xnb-scroll", tabindex: "0", role: "region", "aria-label": "Plan" };
  el.append(element("div", scroll, table));
  let lines = [];

  function line(row, at) {
    const input = element("input", { type: "text", "aria-label": `New value of ${row.key}, ${row.attribute}` });
    input.value = row.text;
    input.addEventListener("input", () => model.send({ do: "edit", row: at, text: input.value }));
    const cells = COLUMNS.slice(1).map(() => element("td"));
    cells[2].append(input);
    body.append(element("tr", {}, element("th", { scope: "row" }, row.key), ...cells));
    return { cells, input };
  }

  const put = (cell, text) => { if (cell.textContent !== text) cell.textContent = text; };

  const draw = () => {
    const rows = model.get("rows");
    if (rows.length !== lines.length) {
      body.replaceChildren();
      lines = rows.map(line);
    }
    rows.forEach((row, at) => {
      const { cells, input } = lines[at];
      put(cells[0], row.attribute);
      put(cells[1], row.present);
      // What is being typed is newer than what the kernel has.
      if (document.activeElement !== input && input.value !== row.text) input.value = row.text;
      put(cells[3], row.unit);
      put(cells[4], row.change);
      const badge = `xnb-badge xnb-${row.kind}`;
      const shown = cells[5].querySelector("span");
      if (shown?.className === badge && cells[5].textContent === row.severity + row.reason) return;
      cells[5].replaceChildren(...(row.severity ? [element("span", { class: badge }, row.severity)] : []), row.reason);
    });
  };
  const enable = () => { for (const { input } of lines) input.disabled = model.get("disabled"); };
  model.on("change:rows", draw);
  model.on("change:disabled", enable);
  draw();
  enable();
  model.send({ do: "ask" });
  return () => {
    model.off("change:rows", draw);
    model.off("change:disabled", enable);
  };
}

export default { render };
