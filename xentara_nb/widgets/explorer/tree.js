// A tree that draws only the rows in sight, with the keys and roles that ARIA asks of a tree.
// rows: [element, level, name, category, state]; state: leaf, closed, open, more.
const HEIGHT = 24;
const LATE = 10000; // milliseconds in which the kernel may say that it has selected what was asked

function render({ model, el }) {
  const space = element("div", { role: "presentation" });
  space.style.position = "relative";
  const box = element("div", {
    class: "xnb-tree", tabindex: "0", role: "tree", "aria-label": "Elements of the model",
    "data-lm-suppress-shortcuts": "true", // the notebook would take the arrow keys otherwise
  }, space);
  el.append(box);
  const prefix = `xnb-tree-${Math.random().toString(36).slice(2)}-`;

  let rows = model.get("rows");
  let active = null;
  let selecting = 0;
  let asked = []; // what the kernel was asked to select and has not yet, with when

  const key = (row) => (row[4] === "more" ? `more-${row[0]}` : row[0]);
  const index = () => rows.findIndex((row) => key(row) === active);

  function line(row, at) {
    const [, level, name, category, state] = row;
    const item = element("div", {
      id: prefix + key(row), class: "xnb-tree-row", "data-at": at, role: "treeitem",
      "aria-level": level, "aria-selected": key(row) === active,
    });
    if (state === "open" || state === "closed")
      item.setAttribute("aria-expanded", state === "open");
    item.style.top = `${at * HEIGHT}px`;
    item.style.paddingLeft = `${4 + (level - 1) * 16}px`;
    const sign = { open: "▾", closed: "▸", more: "…" }[state] ?? "";
    item.append(
      element("span", { class: "xnb-tree-arrow", "aria-hidden": "true" }, sign),
      element("span", {}, name),
      element("span", { class: "xnb-dim xnb-tree-kind" }, category));
    item.title = category ? `${name} (${category})` : name;
    return item;
  }

  function draw() {
    box.style.height = `${Math.min(340, Math.max(5, rows.length) * HEIGHT + 2)}px`;
    space.style.height = `${rows.length * HEIGHT}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 10);
    const last = Math.min(rows.length, first + Math.ceil(box.clientHeight / HEIGHT) + 20);
    const drawn = [];
    for (let at = first; at < last; at++) drawn.push(line(rows[at], at));
    space.replaceChildren(...drawn);
    const at = index();
    if (at >= first && at < last) box.setAttribute("aria-activedescendant", prefix + active);
    else box.removeAttribute("aria-activedescendant");
  }

  function reveal(at) {
    const top = at * HEIGHT;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + HEIGHT > box.scrollTop + box.clientHeight)
      box.scrollTop = top + HEIGHT - box.clientHeight;
  }

  function send(what, row) {
    model.send({ do: what, element: row[0] });
  }

  function go(at) {
    if (at < 0 || at >= rows.length) return;
    active = key(rows[at]);
    reveal(at);
    draw();
    // Who holds an arrow key down means the row where it is let go.
    clearTimeout(selecting);
    const row = rows[at];
    selecting = 0;
    if (row[4] === "more") return;
    selecting = setTimeout(() => {
      selecting = 0;
      asked.push([key(row), performance.now()]);
      send("select", row);
    }, 150);
  }

  function toggle(row) {
    if (row[4] === "more") send("more", row);
    else if (row[4] === "open") send("close", row);
    else if (row[4] === "closed") send("open", row);
  }

  box.addEventListener("click", (event) => {
    const item = event.target.closest(".xnb-tree-row");
    if (!item) return;
    const at = Number(item.dataset.at);
    const row = rows[at];
    const onArrow = event.target.classList.contains("xnb-tree-arrow");
    if (onArrow || row[4] === "more" || key(row) === active) toggle(row);
    if (key(row) !== active || !onArrow) go(at);
  });
  box.addEventListener("dblclick", (event) => event.preventDefault());
  box.addEventListener("scroll", draw);
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(0, index());
    const row = rows[at];
    if (!row) return;
    const page = Math.max(1, Math.floor(box.clientHeight / HEIGHT) - 1);
    const moves = {
      ArrowDown: () => go(index() < 0 ? 0 : at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      PageDown: () => go(Math.min(rows.length - 1, at + page)),
      PageUp: () => go(Math.max(0, at - page)),
      Enter: () => toggle(row),
      " ": () => toggle(row),
      ArrowRight: () => {
        if (row[4] === "closed") send("open", row);
        else if (row[4] === "open") go(at + 1);
      },
      ArrowLeft: () => {
        if (row[4] === "open") return send("close", row);
        for (let up = at - 1; up >= 0; up--) if (rows[up][1] < row[1]) return go(up);
      },
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  });

  const onRows = () => {
    rows = model.get("rows");
    draw();
  };
  // What was found or selected elsewhere; but not while the user is on the way to another row, nor
  // what was asked for before another row was, which a slow kernel tells behind that.
  const onSelected = () => {
    const selected = model.get("selected");
    asked = asked.filter(([, when]) => performance.now() - when < LATE);
    const at = asked.findIndex(([element]) => element === selected);
    asked = at < 0 ? [] : asked.slice(at + 1);
    if (!selected || selected === active || selecting || asked.length) return;
    active = selected;
    if (index() >= 0) reveal(index());
    draw();
  };
  model.on("change:rows", onRows);
  model.on("change:selected", onSelected);
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  draw();
  onSelected();
  return () => {
    clearTimeout(selecting);
    observer.disconnect();
    model.off("change:rows", onRows);
    model.off("change:selected", onSelected);
  };
}

export default { render };
