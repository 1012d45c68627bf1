// HTML that changes where it stands: what is the same stays, with the focus, the selection and the
// place to which it was scrolled. Tables with data-sort can be sorted by their columns.

/** Let one node become as another one, with as few changes as are needed. */
function become(old, made) {
  if (old.nodeName !== made.nodeName) return old.replaceWith(made);
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  for (const { name } of [...(old.attributes ?? [])])
    if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes ?? [])
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  fill(old, made);
}

function fill(old, made) {
  const kept = [...old.childNodes], wanted = [...made.childNodes];
  wanted.forEach((child, at) => (at < kept.length ? become(kept[at], child) : old.append(child)));
  kept.slice(wanted.length).forEach((child) => child.remove());
}

function compare(one, other) {
  const [a, b] = [one, other].map((row) => row.dataset?.key ?? row.textContent.trim());
  const numbers = [parseFloat(a), parseFloat(b)];
  if (numbers.every(Number.isFinite)) return numbers[0] - numbers[1];
  return a.localeCompare(b, undefined, { numeric: true });
}

/** Put a button into each head of a table, and its rows in the order that was asked for. */
function arrange(table, sorted) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const attributes = { type: "button", class: "xnb-sort", "data-column": at };
    const button = element("button", attributes, head.textContent);
    head.replaceChildren(button);
    if (sorted?.column === at) head.setAttribute("aria-sort", sorted.order);
  });
  if (!sorted || sorted.column >= heads.length) return;
  const rows = [...table.tBodies[0].rows];
  const sign = sorted.order === "descending" ? -1 : 1;
  rows.sort((a, b) => sign * compare(a.cells[sorted.column], b.cells[sorted.column]));
  table.tBodies[0].append(...rows);
}

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "xnb-live-html";
  el.append(box);
  let sorted = null;

  const draw = () => {
    const template = document.createElement("template");
    template.innerHTML = model.get("value");
    for (const table of template.content.querySelectorAll("table[data-sort]"))
      arrange(table, sorted);
    fill(box, template.content);
  };
  box.addEventListener("click", (event) => {
    const button = event.target.closest(".xnb-sort");
    if (!button) return;
    const column = Number(button.dataset.column);
    // Up, down, and then as the kernel has it.
    if (sorted?.column !== column) sorted = { column, order: "ascending" };
    else sorted = sorted.order === "ascending" ? { column, order: "descending" } : null;
    draw();
  });
  model.on("change:value", draw);
  draw();
  return () => model.off("change:value", draw);
}

export default { render };
