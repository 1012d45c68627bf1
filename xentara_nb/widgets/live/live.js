// The page's side of a live view: a table of the last values, and a chart of those that are chosen.
// The kernel sends points and texts; all else, such as ages, pause and ranges, is done here.
// Texts of a server are only ever put into the page with textContent.

const POINTS = 10000; // kept of each attribute
const LIGHT = ["#1f6fb4", "#c85a00", "#1b8a4b", "#b8336a", "#6d4bc3", "#00838f", "#8d6e00", "#5d6d7e"];
const DARK = ["#6ab0f3", "#ff9f4a", "#5fd38d", "#ff7eb0", "#b39dff", "#4dd0e1", "#e6c34a", "#aebccb"];
const RANGES = [[60, "1 min"], [600, "10 min"], [0, "All"]];
const GOOD = 0, BAD = 3, UNKNOWN = 255;
const PANEL = 116, ONLY_PANEL = 230, SWITCH_PANEL = 66, AXIS = 24, LEFT = 58, RIGHT = 10; // pixels
const SILENT = 5000; // milliseconds without news; the kernel sends some each second
const SHORTEST = 10000; // milliseconds that are charted at least
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400]
  .map(seconds => seconds * 1000);

/** The points of one attribute: times in milliseconds, numbers (NaN is a gap), qualities. */
class Series {
  constructor() { this.clear(); }

  clear() {
    this.count = 0;
    this.times = new Float64Array(64);
    this.numbers = new Float64Array(64);
    this.qualities = new Uint8Array(64);
  }

  /** Return the place of the first point that is not before a time. */
  find(time) {
    let low = 0, high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < time) low = middle + 1; else high = middle;
    }
    return low;
  }

  /** Return the place of the point that holds at a time, or -1. */
  at(time) { return this.find(time + 1e-6) - 1; }

  /** Put points behind those from before the first of them. */
  append(times, numbers, qualities) {
    if (!times.length) return;
    const kept = this.find(times[0]);
    const drop = kept + times.length > 2 * POINTS ? Math.max(0, kept + times.length - POINTS) : 0;
    const count = kept + times.length - drop;
    for (const [name, more] of Object.entries({ times, numbers, qualities })) {
      let array = this[name];
      if (count > array.length || drop) {
        const made = new array.constructor(Math.max(64, count * 2));
        made.set(array.subarray(Math.min(drop, kept), kept));
        this[name] = array = made;
      }
      array.set(more.subarray(Math.max(0, drop - kept)), Math.max(0, kept - drop));
    }
    this.count = count;
  }
}

/** What is known of all attributes; one for all places where the view is shown. */
class Store {
  constructor(model) {
    this.model = model;
    this.heard = false;
    this.heardAt = 0;
    this.series = [];
    this.last = [];
    this.offsets = new Map(); // by attribute: the server's clock against performance.now()
    this.listeners = new Set();
  }

  /** Return live, lost, closed or silent, if no kernel answers; undefined before the first news. */
  kind() {
    const { kind } = this.model.get("state");
    if (!this.heard || kind === "closed") return this.heard ? kind : undefined;
    return performance.now() - this.heardAt > SILENT ? "silent" : kind;
  }

  receive(content, buffers) {
    if (content.kind !== "points") return;
    const bytes = view => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    const floats = new Float64Array(bytes(buffers[0]));
    const codes = new Uint8Array(bytes(buffers[1]));
    const now = performance.now();
    let place = 0, code = 0;
    for (const each of content.rows) {
      const series = this.series[each.row] ??= new Series();
      if (each.whole) series.clear();
      const count = each.points;
      const times = floats.subarray(place, place + count);
      series.append(times, floats.subarray(place + count, place + 2 * count),
        codes.subarray(code, code + count));
      place += 2 * count;
      code += count;
      const came = each.age === null ? null : now - each.age * 1000, known = this.last[each.row];
      // A connection that is lost is told once, beside the table, which keeps what was known last.
      const isGap = each.error && known?.value && this.model.get("state").kind !== "live";
      this.last[each.row] = isGap ? known : { ...each, came };
      if (count && came !== null) {
        const offset = times[count - 1] - came, before = this.offsets.get(each.row) ?? -Infinity;
        this.offsets.set(each.row, Math.max(offset, before));
      }
    }
    this.heard = true;
    this.heardAt = now;
    const rows = content.rows.map(each => each.row);
    for (const listener of this.listeners) listener(rows);
  }

  /** Return the present time of the server, in milliseconds since 1970. */
  now() {
    // One attribute with a clock of its own must not move the others.
    const offsets = [...this.offsets.values()].sort((a, b) => a - b);
    if (!offsets.length) return Date.now();
    return performance.now() + offsets[offsets.length >> 1];
  }
}

function ageText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

const two = number => String(number).padStart(2, "0");

function clockText(time, step) {
  const date = new Date(time);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (step < 60000) return `${clock}:${two(date.getSeconds())}`;
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return step >= 86400000 ? day : step >= 21600000 ? `${day} ${clock}` : clock;
}

function fullTime(time) {
  const date = new Date(time);
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${date.getFullYear()}-${clockText(time, 86400000)} ${clockText(time, 1)}.${millis}`;
}

/** Return how far the local time is ahead of UTC, such as UTC+2. */
function zoneText() {
  const minutes = -new Date().getTimezoneOffset(), size = Math.abs(minutes);
  if (!minutes) return "UTC";
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${size % 60 ? ":" + two(size % 60) : ""}`;
}

function numberText(number) {
  if (!Number.isFinite(number)) return "–";
  return String(Number(number.toPrecision(7)));
}

function switchText(number) {
  return Number.isNaN(number) ? "–" : number > 0.5 ? "True" : "False";
}

/** Return a step for about so many marks in a range: 1, 2 or 5 times a power of ten. */
function niceStep(range, marks) {
  const rough = range / marks, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(each => each * power >= rough * 0.999);
}

function markText(value, step) {
  const size = Math.abs(value);
  if (size >= 1e6 || (step < 1e-4 && size > 0)) return value.toExponential(2).replace("e+", "e");
  return value.toFixed(Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9))));
}

/** Draw one line between two times; a value holds until the next one comes. */
function drawLine(pen, series, from, to, x, y, colour, badColour, width = 1.6) {
  const first = Math.max(0, series.at(from)), last = series.at(to);
  if (last < first || !series.count) return;
  const isBad = code => code > GOOD && code !== UNKNOWN;
  // Runs of one kind, with everything that falls on one pixel drawn as its extent.
  for (const bad of [true, false]) {
    const path = new Path2D();
    let drawing = false, px = NaN, low = 0, high = 0, end = 0;
    const flush = () => {
      if (low !== high) { path.moveTo(px, low); path.lineTo(px, high); }
      path.moveTo(px, end);
    };
    for (let i = first; i <= last; i++) {
      const value = series.numbers[i];
      const here = Number.isFinite(value) && (!bad || isBad(series.qualities[i]));
      const at = Math.round(x(Math.max(series.times[i], from)) * 2) / 2;
      if (drawing && at !== px) { // to where this one begins
        flush();
        path.lineTo(at, end);
        px = at;
        low = high = end;
      }
      if (!here) {
        if (drawing && low !== high) flush();
        drawing = false;
        continue;
      }
      const height = y(value);
      if (!drawing) { px = at; low = high = height; drawing = true; }
      low = Math.min(low, height);
      high = Math.max(high, height);
      end = height;
    }
    if (drawing) {
      flush();
      path.lineTo(Math.max(x(to), px + 0.5), end);
    }
    pen.lineJoin = "round";
    pen.globalAlpha = bad ? 0.45 : 1;
    pen.strokeStyle = bad ? badColour : colour;
    pen.lineWidth = bad ? width * 4.5 : width;
    pen.stroke(path);
    pen.globalAlpha = 1;
  }
}

/** Return the least and the greatest number that holds between two times. */
function extent(all, from, to) {
  let low = Infinity, high = -Infinity;
  for (const series of all) {
    const last = series.at(to);
    for (let i = Math.max(0, series.at(from)); i <= last; i++) {
      const value = series.numbers[i];
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  const space = high > low ? (high - low) * 0.08 : Math.max(Math.abs(low) * 0.05, 0.5);
  return [low - space, high + space];
}

class View {
  constructor(model, store, el) {
    this.model = model;
    this.store = store;
    this.dirty = new Set();
    this.cursor = null; // the time that is read out
    this.frozen = null; // the time at which the page was paused
    this.seen = true;
    this.lines = [];
    this.root = element("div", { class: "xnb-lv xnb-lv-old" });
    this.makeBar();
    this.makeChart();
    this.makeTable();
    el.append(this.root);
    // A notebook in command mode takes keys away unless what has the focus carries this.
    this.root.addEventListener("focusin",
      event => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
    this.listen();
    this.showState();
    this.showRange();
    this.showPause();
    this.newRows([...store.last.keys()]);
  }

  listen() {
    const handlers = {
      "change:rows": () => this.makeRows(),
      "change:more": () => this.makeRows(),
      "change:charted": () => { this.showChosen(); this.schedule(); },
      "change:span": () => { this.showRange(); this.schedule(); },
      "change:paused": () => this.showPause(),
      "change:state": () => this.showState(),
    };
    const heard = rows => this.newRows(rows);
    for (const [name, handler] of Object.entries(handlers)) this.model.on(name, handler);
    this.store.listeners.add(heard);
    const resized = new ResizeObserver(() => this.schedule());
    resized.observe(this.figure);
    const visible = new IntersectionObserver(entries => {
      this.seen = entries.at(-1).isIntersecting;
      if (this.seen) this.schedule();
    });
    visible.observe(this.root);
    let beat = 0;
    const timer = setInterval(() => {
      beat += 1;
      if (this.store.kind() !== this.shownKind) this.showState();
      if (!this.seen) return;
      if (beat % 20 === 0) this.dirty = new Set(this.lines.keys()); // their time goes on
      if (beat % 5 === 0) this.updateTable();
      // Between changes, the time goes on.
      if (beat % (this.model.get("span") === 60 ? 1 : 5) === 0 && this.isLive()) this.schedule();
    }, 100);
    const started = setTimeout(() => this.showState(true), 3000);
    this.end = () => {
      clearInterval(timer);
      clearTimeout(started);
      cancelAnimationFrame(this.request);
      resized.disconnect();
      visible.disconnect();
      this.store.listeners.delete(heard);
      for (const [name, handler] of Object.entries(handlers)) this.model.off(name, handler);
    };
  }

  change(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  isLive() { return this.store.kind() === "live" && !this.model.get("paused"); }

  // The bar

  makeBar() {
    this.state = element("div", { class: "xnb-lv-state", role: "status" });
    this.pause = element("button", { type: "button" }, "Pause");
    this.pause.addEventListener("click", () => this.change("paused", !this.model.get("paused")));
    this.ranges = RANGES.map(([seconds, text]) => {
      const button = element("button", { type: "button" }, text);
      button.addEventListener("click", () => this.change("span", seconds));
      return button;
    });
    const group = element("div", { class: "xnb-lv-range", role: "group", "aria-label": "Range" },
      ...this.ranges);
    this.root.append(element("div", { class: "xnb-lv-bar" }, this.state, this.pause, group));
  }

  showRange() {
    this.ranges.forEach((button, number) => button.setAttribute(
      "aria-pressed", String(RANGES[number][0] === this.model.get("span"))));
  }

  showPause() {
    const paused = this.model.get("paused");
    this.pause.setAttribute("aria-pressed", String(paused));
    this.frozen = paused ? this.store.now() : null;
    this.showState();
    this.updateTable(true);
    this.schedule();
  }

  showState(late = false) {
    const kind = this.shownKind = this.store.kind(), { text } = this.model.get("state");
    const paused = kind === "live" && this.model.get("paused");
    const badge = {
      live: paused ? ["", "paused"] : ["ok", "live"],
      lost: ["error", `no connection: ${text}`],
      silent: ["error", "no kernel answers"],
      closed: ["", text],
    }[kind] ?? (late ? ["", "no kernel answers: run the cell to see values"] : null);
    this.state.replaceChildren(
      ...(badge ? [element("span", { class: `xnb-badge xnb-${badge[0]}` }, badge[1])] : []));
    this.root.classList.toggle("xnb-lv-old", kind !== "live");
    this.root.classList.toggle("xnb-lv-on", this.store.heard);
    this.schedule();
  }

  // The table

  makeTable() {
    this.body = element("tbody");
    const heads = [["Chart", "show"], ["Attribute", "name"], ["Value", "value"], ["Unit", "unit"],
      ["Quality", "quality"], ["Age", "age"], ["Last minute", "trend"]];
    const head = element("thead", {}, element("tr", {}, ...heads.map(
      ([text, name]) => element("th", { scope: "col", class: `xnb-lv-${name}` }, text))));
    const table = element("table", {},
      element("caption", { class: "xnb-hidden" }, "The last values"), head, this.body);
    const scroll = { class: "xnb-scroll", tabindex: "0", role: "region", "aria-label": "Values" };
    this.more = element("p", { class: "xnb-dim" });
    this.root.append(element("div", scroll, table), this.more);
    this.makeRows();
  }

  makeRows() {
    const rows = this.model.get("rows");
    this.more.textContent = this.model.get("more");
    if (this.lines.length !== rows.length) {
      this.lines = rows.map((row, number) => this.makeRow(row, number));
      this.body.replaceChildren(...this.lines.map(line => line.row));
    }
    rows.forEach(({ name, unit, kind }, number) => {
      const line = this.lines[number];
      line.name.textContent = name;
      line.unit.textContent = unit;
      line.box.disabled = kind === "text";
      line.box.setAttribute("aria-label", `Chart ${name}`);
    });
    this.showChosen();
    this.newRows([...rows.keys()]);
  }

  makeRow(row, number) {
    const line = {
      name: element("th", { scope: "row", class: "xnb-lv-name" }),
      unit: element("td", { class: "xnb-lv-unit" }),
    };
    line.box = element("input", { type: "checkbox" });
    line.box.addEventListener("change", () => {
      const others = this.model.get("charted").filter(each => each !== number);
      this.change("charted", line.box.checked ? [...others, number] : others);
    });
    line.swatch = element("span", { class: "xnb-lv-swatch" });
    line.value = element("td", { class: "xnb-lv-value" });
    line.quality = element("td", { class: "xnb-lv-quality" });
    line.age = element("td", { class: "xnb-lv-age" });
    line.trend = element("canvas", { "aria-hidden": "true" });
    line.row = element("tr", {},
      element("td", { class: "xnb-lv-show" }, element("label", {}, line.box, line.swatch)),
      line.name, line.value, line.unit, line.quality, line.age,
      element("td", { class: "xnb-lv-trend" }, line.trend));
    return line;
  }

  /** Return the colour of an attribute by the order in which it was chosen. */
  colour(number) {
    const colours = this.isDark ? DARK : LIGHT;
    return colours[this.model.get("charted").indexOf(number) % colours.length];
  }

  showChosen() {
    const charted = this.model.get("charted");
    this.lines.forEach((line, number) => {
      line.box.checked = charted.includes(number);
      line.swatch.style.background = line.box.checked ? this.colour(number) : "none";
    });
    this.dirty = new Set(this.lines.keys());
  }

  newRows(rows) {
    for (const row of rows) this.dirty.add(row);
    if (this.store.heard && !this.root.classList.contains("xnb-lv-on")) this.showState();
    if (!this.seen || this.model.get("paused")) return;
    this.updateValues(rows);
    this.schedule();
  }

  updateValues(rows) {
    for (const row of rows) {
      const line = this.lines[row], last = this.store.last[row];
      if (!line || !last) continue;
      const text = last.error || last.value || "–";
      if (line.value.textContent !== text) line.value.textContent = line.value.title = text;
      line.value.classList.toggle("xnb-lv-error", Boolean(last.error));
      if (line.quality.dataset.quality !== last.quality) {
        line.quality.dataset.quality = last.quality;
        line.quality.replaceChildren(...(last.quality
          ? [element("span", { class: `xnb-badge xnb-${last.kind}` }, last.quality)] : []));
      }
    }
  }

  /** Show how old the values are, and where they come from, twice a second. */
  updateTable(all = false) {
    if (this.model.get("paused") && !all) return;
    this.updateValues(this.dirty);
    const now = performance.now();
    this.lines.forEach((line, row) => {
      const came = this.store.last[row]?.came;
      const text = came === undefined || came === null ? "" : ageText(now - came);
      if (line.age.textContent !== text) line.age.textContent = text;
    });
    const until = this.frozen ?? this.store.now();
    for (const row of this.dirty) this.drawTrend(row, until);
    this.dirty.clear();
  }

  drawTrend(row, until) {
    const series = this.store.series[row], canvas = this.lines[row]?.trend;
    if (!series?.count || !canvas?.clientWidth) return;
    const ratio = devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    const from = Math.min(Math.max(until - 60000, series.times[0]), until - SHORTEST);
    pen.scale(ratio, ratio);
    const [low, high] = extent([series], from, until);
    const x = time => (time - from) / (until - from) * width;
    const y = value => height - 2 - (value - low) / (high - low) * (height - 4);
    const styles = getComputedStyle(this.root);
    const colour = this.lines[row].box.checked ? this.colour(row) : styles.color;
    drawLine(pen, series, from, until, x, y, colour,
      styles.getPropertyValue("--jp-error-color1") || "#c62828", 1.1);
  }

  // The chart

  makeChart() {
    this.canvas = element("canvas", { tabindex: "0", role: "img" });
    this.readout = element("div", { class: "xnb-lv-readout", "aria-live": "polite" });
    this.readout.hidden = true;
    this.figure = element("div", { class: "xnb-lv-chart" }, this.canvas, this.readout);
    this.root.append(this.figure);
    const point = event => {
      const { left } = this.canvas.getBoundingClientRect();
      this.read(this.shown && this.shown.time(event.clientX - left));
    };
    this.canvas.addEventListener("pointermove", point);
    this.canvas.addEventListener("pointerleave", () => this.read(null));
    this.canvas.addEventListener("blur", () => this.read(null));
    this.canvas.addEventListener("keydown", event => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") this.read(null);
      if (!way || !this.shown) return;
      event.preventDefault();
      event.stopPropagation();
      const { from, to } = this.shown, step = (to - from) / (event.shiftKey ? 10 : 100);
      this.read(Math.min(to, Math.max(from, (this.cursor ?? to) + way * step)));
    });
  }

  read(time) {
    this.cursor = time;
    this.schedule();
  }

  schedule() {
    if (this.request || !this.seen) return;
    this.request = requestAnimationFrame(() => {
      this.request = 0;
      this.draw();
    });
  }

  /** Return the panels: attributes of one unit share one, those without a unit have their own. */
  panels() {
    const rows = this.model.get("rows"), found = new Map();
    for (const number of this.model.get("charted")) {
      if (!rows[number]) continue;
      const { name, unit, kind } = rows[number], key = unit || number;
      const isSwitch = kind === "switch";
      if (!found.has(key)) found.set(key, { title: unit || name, isSwitch, numbers: [] });
      found.get(key).numbers.push(number);
    }
    const panels = [...found.values()], size = panels.length > 1 ? PANEL : ONLY_PANEL;
    let top = 0;
    for (const panel of panels) {
      Object.assign(panel, { top, size: panel.isSwitch ? SWITCH_PANEL : size });
      top += panel.size;
    }
    return panels;
  }

  range(numbers) {
    const isLive = this.store.kind() === "live", span = this.model.get("span") * 1000;
    const all = numbers.map(number => this.store.series[number]).filter(each => each?.count);
    const last = Math.max(...all.map(each => each.times[each.count - 1]));
    const to = this.frozen ?? (this.store.kind() === "closed" && all.length ? last : this.store.now());
    const first = Math.min(...all.map(each => each.times[0]));
    const from = Math.min(span ? Math.max(to - span, first) : first, to - SHORTEST);
    return { from, to, until: isLive ? to : Math.min(to, last) };
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (!width) return;
    const panels = this.panels(), numbers = panels.flatMap(panel => panel.numbers);
    const rows = this.model.get("rows");
    const height = (panels.length ? panels.at(-1).top + panels.at(-1).size : 60) + AXIS;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio)
      || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
    }
    const styles = getComputedStyle(this.root);
    const [red, green, blue] = styles.color.match(/[\d.]+/g).map(Number);
    const isDark = red * 0.3 + green * 0.6 + blue * 0.1 > 128;
    if (isDark !== this.isDark) { this.isDark = isDark; this.showChosen(); }
    const look = {
      text: styles.getPropertyValue("--jp-ui-font-color2") || "#666",
      grid: isDark ? "rgba(255,255,255,.13)" : "rgba(0,0,0,.1)",
      ground: styles.getPropertyValue("--jp-layout-color0") || (isDark ? "#111" : "#fff"),
      bad: styles.getPropertyValue("--jp-error-color1") || "#c62828",
    };
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `11px ${styles.fontFamily || "sans-serif"}`;
    pen.textBaseline = "middle";
    this.canvas.setAttribute("aria-label", numbers.length
      ? `Chart of ${numbers.map(number => rows[number].name).join(", ")}. Arrow keys read values.`
      : "Chart of nothing");
    if (!panels.length) {
      pen.fillStyle = look.text;
      pen.fillText("Choose attributes in the table below to chart them.", 8, 30);
      this.shown = null;
      this.showReadout(width);
      return;
    }
    const range = this.range(numbers), inner = width - LEFT - RIGHT;
    const x = time => LEFT + (time - range.from) / (range.to - range.from) * inner;
    this.shown = {
      ...range, x, numbers,
      time: place => {
        const part = Math.min(1, Math.max(0, (place - LEFT) / inner));
        return range.from + part * (range.to - range.from);
      },
    };
    this.drawTimes(pen, range, x, width, height, look);
    for (const panel of panels) this.drawPanel(pen, panel, width, look);
    this.drawCursor(pen, height);
    this.showReadout(width);
  }

  drawTimes(pen, { from, to }, x, width, height, look) {
    const room = (width - LEFT - RIGHT) / 90;
    const step = STEPS.find(each => (to - from) / each <= room)
      ?? Math.ceil((to - from) / room / 86400000) * 86400000;
    const zone = new Date(to).getTimezoneOffset() * 60000;
    pen.fillStyle = look.text;
    pen.strokeStyle = look.grid;
    pen.lineWidth = 1;
    pen.textAlign = "left";
    pen.fillText(zoneText(), 4, height - AXIS / 2);
    pen.textAlign = "center";
    pen.beginPath();
    for (let time = Math.ceil((from - zone) / step) * step + zone; time <= to; time += step) {
      const at = Math.round(x(time)) + 0.5;
      pen.moveTo(at, 0);
      pen.lineTo(at, height - AXIS);
      if (at > LEFT + 22 && at < width - 26) pen.fillText(clockText(time, step), at, height - AXIS / 2);
    }
    pen.stroke();
  }

  drawPanel(pen, { title, isSwitch, numbers, top, size }, width, look) {
    const { from, to, until, x } = this.shown;
    const all = numbers.map(number => this.store.series[number] ??= new Series());
    const [low, high] = isSwitch ? [-0.15, 1.9] : extent(all, from, until);
    // The title stands above the lines; switches have room there already.
    const room = size - (isSwitch ? 10 : 24);
    const y = value => top + size - 4 - (value - low) / (high - low) * room;
    const step = isSwitch ? 1 : niceStep(high - low, size / 40);
    pen.strokeStyle = look.grid;
    pen.fillStyle = look.text;
    pen.textAlign = "right";
    pen.lineWidth = 1;
    pen.beginPath();
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      const at = Math.round(y(value)) + 0.5;
      if (isSwitch && value > 1.5) break;
      pen.moveTo(LEFT, at);
      pen.lineTo(width - RIGHT, at);
      const text = isSwitch ? switchText(value) : markText(value, step);
      if (at > top + 6) pen.fillText(text, LEFT - 6, at);
    }
    pen.moveTo(LEFT, top + size - 0.5);
    pen.lineTo(width - RIGHT, top + size - 0.5);
    pen.stroke();
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, top, width - LEFT - RIGHT, size);
    pen.clip();
    numbers.forEach((number, place) => drawLine(
      pen, all[place], from, until, x, y, this.colour(number), look.bad));
    pen.restore();
    pen.textAlign = "left";
    pen.fillStyle = look.ground;
    pen.globalAlpha = 0.8;
    // Of a key that has no room, the end says which one it is.
    const fits = (width - LEFT - RIGHT - 6) / pen.measureText(title).width;
    if (fits < 1) title = `…${title.slice(-Math.max(1, Math.floor(title.length * fits) - 2))}`;
    pen.fillRect(LEFT + 3, top + 4, pen.measureText(title).width + 6, 15);
    pen.globalAlpha = 1;
    pen.fillStyle = look.text;
    pen.fillText(title, LEFT + 6, top + 12);
    if (this.cursor !== null) {
      numbers.forEach((number, place) => {
        const at = all[place].at(Math.min(this.cursor, until)), value = all[place].numbers[at];
        if (at < 0 || !Number.isFinite(value)) return;
        pen.fillStyle = this.colour(number);
        pen.beginPath();
        pen.arc(x(this.cursor), y(value), 3, 0, 7);
        pen.fill();
      });
    }
  }

  drawCursor(pen, height) {
    if (this.cursor === null) return;
    const at = Math.round(this.shown.x(this.cursor)) + 0.5;
    pen.strokeStyle = "rgba(128,128,128,.8)";
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(at, 0);
    pen.lineTo(at, height - AXIS);
    pen.stroke();
  }

  showReadout(width) {
    this.readout.hidden = this.cursor === null || !this.shown;
    if (this.readout.hidden) return;
    const rows = this.model.get("rows");
    const lines = this.shown.numbers.map(number => {
      const series = this.store.series[number], at = series ? series.at(this.cursor) : -1;
      const code = at < 0 ? UNKNOWN : series.qualities[at];
      const word = { 1: " acceptable", 2: " unreliable", [BAD]: " bad" }[code] ?? "";
      const swatch = element("span", { class: "xnb-lv-swatch" });
      swatch.style.background = this.colour(number);
      const text = rows[number].kind === "switch" ? switchText : numberText;
      const value = at < 0 ? "–" : text(series.numbers[at]);
      const rest = value === "–" ? "" : ` ${rows[number].unit}${word}`;
      return element("div", {}, swatch, element("span", {}, rows[number].name),
        element("span", {}, `${value}${rest}`));
    });
    const head = element("div", {}, element("b", {}, fullTime(this.cursor)));
    this.readout.replaceChildren(head, ...lines);
    const at = this.shown.x(this.cursor), isLeft = at < width / 2;
    this.readout.style.left = isLeft ? `${at + 10}px` : "";
    this.readout.style.right = isLeft ? "" : `${width - at + 10}px`;
  }
}

export default () => {
  let store;
  return {
    initialize({ model }) {
      store = new Store(model);
      model.on("msg:custom", (content, buffers) => store.receive(content, buffers));
      model.send({ kind: "ask" });
    },
    render({ model, el }) {
      const view = new View(model, store, el);
      return () => view.end();
    },
  };
};
