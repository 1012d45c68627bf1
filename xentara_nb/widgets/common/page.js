// What a form does on its page without the kernel: it says when the kernel has gone, and when a
// click waits for one that is busy; it counts ages on; and it tells in which time zone its user is.
const TICK = 1000; // milliseconds between two looks at the kernel and the ages
const AT_ONCE = 400; // milliseconds in which an answer needs no word

/** Return how long ago something was, as the kernel writes it. */
function ago(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.floor(s / 60)} min ago`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} days ago`;
}

/** Return in words which cell made a form. */
function cellOf(el) {
  const cell = el.closest(".jp-CodeCell");
  const number = cell?.querySelector(".jp-InputPrompt")?.textContent.match(/\d+/)?.[0];
  return number ? `cell [${number}]` : "the cell above";
}

function render({ model, el }) {
  const banner = element("div", { class: "xnb-notice xnb-error", role: "alert", hidden: "" });
  const taken = element("div", { class: "xnb-notice xnb-busy", role: "status", hidden: "" });
  el.append(banner, taken);
  const started = kernel()?.id;
  const waiting = new Map(); // by what was clicked: the timer after which that is said
  let form = null;
  let shown;
  const ages = new WeakMap();

  function kernel() {
    return model.widget_manager?.kernel;
  }

  /** Return whether this is a live view, which can be looked at without its kernel. */
  function isLive() {
    return form.classList.contains("xnb-live");
  }

  /** Return why the form is dead, an empty text if it is not. */
  function death() {
    const now = kernel();
    if (started && (!now || now.isDisposed)) return "The kernel was shut down";
    if (now?.status === "dead" || now?.status === "terminating") return "The kernel has ended";
    if (started && now.id !== started) return "There is another kernel";
    if (form.classList.contains("jupyter-widgets-disconnected"))
      return started ? "The kernel was restarted" : "There is no kernel";
    return "";
  }

  function look() {
    form ??= el.closest(".xnb");
    if (!form) return;
    const why = death();
    if (why !== shown) show(why);
    count();
  }

  function show(why) {
    shown = why;
    banner.hidden = !why;
    banner.textContent = why &&
      `${why}: this form does nothing any more. Run ${cellOf(el)} again, after the cells that it needs.`;
    form.classList.toggle("xnb-dead", Boolean(why));
    const own = el.closest(".xnb > *");
    for (const part of form.children) if (part !== own) part.inert = Boolean(why) && !isLive();
    if (why) settle();
  }

  function settle() {
    for (const [target, timer] of waiting) {
      clearTimeout(timer);
      target.removeAttribute("aria-busy");
    }
    waiting.clear();
    taken.hidden = true;
  }

  /** Say that something was taken, unless the kernel does it at once. */
  function take(target, what) {
    if (waiting.has(target)) return;
    const timer = setTimeout(() => {
      target.setAttribute("aria-busy", "true");
      const off = kernel()?.connectionStatus;
      const reason = off && off !== "connected"
        ? "the page has no connection to the kernel at the moment"
        : "the kernel is busy";
      taken.textContent = `“${what}” was taken, and is waiting: ${reason}.`;
      taken.hidden = false;
    }, AT_ONCE);
    waiting.set(target, timer);
  }

  function mine(target) {
    return target.closest(".xnb") === form && !shown;
  }

  function onClick(event) {
    const button = event.target.closest("button.jupyter-button:not(.xnb-disclosure)");
    if (shown) {
      if (!button && isLive()) return;
      banner.scrollIntoView({ block: "nearest" });
      banner.classList.remove("xnb-again");
      void banner.offsetWidth; // so that it begins again
      banner.classList.add("xnb-again");
      return;
    }
    if (button && mine(button)) take(button, button.textContent.trim());
  }

  function onKey(event) {
    if (event.key === "Enter" && event.target.closest(".xnb-enter") && mine(event.target))
      take(event.target, "Enter");
  }

  /** Count the ages on, from when each was first seen. */
  function count() {
    for (const each of form.querySelectorAll("time[data-age]")) {
      if (each.closest(".xnb") !== form) continue;
      const age = Number(each.dataset.age);
      const seen = ages.get(each);
      const from = seen?.age === age ? seen.from : Date.now();
      if (from !== seen?.from) ages.set(each, { age, from });
      const text = ago(age + (Date.now() - from) / 1000);
      if (each.textContent !== text) each.textContent = text;
    }
  }

  const onMessage = (content) => {
    if (content.do === "done") settle(); // what a user does is done in its order
  };
  model.on("msg:custom", onMessage);

  const begin = () => {
    look();
    if (!form) return false;
    form.addEventListener("click", onClick, true);
    form.addEventListener("keydown", onKey, true);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone && zone !== model.get("zone")) {
      model.set("zone", zone);
      model.save_changes();
    }
    return true;
  };
  let begun = false;
  const timer = setInterval(() => {
    // The form is put into the page behind its parts.
    begun ||= begin();
    if (begun) look();
  }, TICK);
  requestAnimationFrame(() => { begun ||= begin(); });
  return () => {
    clearInterval(timer);
    settle();
    model.off("msg:custom", onMessage);
    form?.removeEventListener("click", onClick, true);
    form?.removeEventListener("keydown", onKey, true);
  };
}

export default { render };
