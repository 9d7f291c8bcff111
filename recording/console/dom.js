/** Building the page from nodes. No markup is ever parsed from text, so Trusted Types have nothing to allow. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element.
 * @param {string} tag
 * @param {Record<string, any> | null} [props] attributes; `onclick` and the like take functions, `false` leaves one out
 * @param {...any} children nodes, texts, lists of them; null and false are left out
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

/** Return a sentence with its code and its stress, which are written as in Markdown. */
export function prose(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => (part.startsWith("`") ? h("code", null, part.slice(1, -1)) : part.startsWith("**") ? h("strong", null, part.slice(2, -2)) : part));
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replace everything in an element. The focus inside it is kept: on the same control, or else on the element. */
export function fill(element, ...children) {
  const focused = document.activeElement;
  const isInside = focused !== element && element.contains(focused);
  const name = isInside && nameOf(focused);
  element.replaceChildren(...nodes(children));
  if (!isInside) return element;
  const next = focused.isConnected ? focused : [...element.querySelectorAll(focused.tagName)].find((one) => nameOf(one) === name);
  if (!next) element.tabIndex = -1;
  (next ?? element).focus({ preventScroll: true });
  return element;
}

const nameOf = (node) => node.getAttribute("aria-label") ?? node.labels?.[0]?.textContent ?? node.textContent;

/** Work for a button, which cannot be pressed again meanwhile and keeps the focus. */
export async function busy(button, work) {
  if (button.hasAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

const ICONS = {
  now: "M4 12h4l2.5-7 4 14 2.5-7H20",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
  held: "M12 3.5 3.5 19h17ZM12 10v4M12 16.5v.01",
  audit: "M6 4h12v16H6ZM9 8h6M9 12h6M9 16h4",
  health: "M12 20s-7.5-4.6-7.5-10A4.2 4.2 0 0 1 12 7.5 4.2 4.2 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z",
  play: "M8 5v14l11-7Z",
  pause: "M8 5v14M16 5v14",
  back: "M11 6 5 12l6 6M5 12h9a5 5 0 0 1 5 5v1",
  ahead: "M13 6l6 6-6 6M19 12h-9a5 5 0 0 0-5 5v1",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  print: "M7 8V4h10v4M7 17H4V8h16v9h-3M7 14h10v6H7Z",
  check: "M5 12.5 10 17.5 19 7",
  cross: "M6 6l12 12M18 6 6 18",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13Z",
  kept: "M4 5h16v4H4ZM5.5 9v10h13V9M10 12.5h4",
  requests: "M5 4h9l5 5v11H5ZM14 4v5h5M8.5 14.5l2.5 2.5 4.5-5",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4l3 2",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20a7.5 7.5 0 0 1 15 0",
};

/** Create an icon that says nothing to a screen reader: the text beside it does. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["class", "icon"], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * Show a list and keep the nodes of what did not change, so that focus and scroll stay where they are.
 * @param {HTMLElement} list
 * @param {any[]} items
 * @param {(item: any) => string} key
 * @param {(item: any) => HTMLElement} make
 */
export function keyed(list, items, key, make) {
  const old = new Map([...list.children].map((node) => [node.getAttribute("data-key"), node]));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const place = focused?.closest("[data-key]")?.getAttribute("data-key");
  const shown = items.map((item) => {
    const name = key(item);
    const now = JSON.stringify(item);
    const kept = old.get(name);
    if (kept && kept.shown === now) return kept;
    const made = make(item);
    made.setAttribute("data-key", name);
    made.shown = now;
    return made;
  });
  if (shown.length !== list.children.length || shown.some((node, at) => list.children[at] !== node)) {
    list.replaceChildren(...shown);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    else if (place) shown.find((node) => node.getAttribute("data-key") === place)?.querySelector("a, button")?.focus();
  }
}

/** Say something to a screen reader without moving the focus. */
export function say(text) {
  const region = document.getElementById("said");
  region.textContent = "";
  region.textContent = text;
}

/**
 * Ask in a dialog; resolves with what `read` returns, or with null when it was closed.
 * @param {string} title
 * @param {any[]} content
 * @param {{ label: string, danger?: boolean, read: () => any } | null} action
 */
export function ask(title, content, action) {
  return new Promise((resolve) => {
    let answer = null;
    const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, action ? "Cancel" : "Close");
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: () => {
          answer = action?.read() ?? null;
        },
      },
      h("h2", { id: "asked" }, title),
      content,
      h("p", { class: "row end" }, cancel, action && h("button", { class: `button ${action.danger ? "danger" : "primary"}` }, action.label)),
    );
    const dialog = h("dialog", { "aria-labelledby": "asked" }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Hand a file to the reader's downloads. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Copy a text; where the browser refuses, show it so that it can be copied by hand. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
    return true;
  } catch {
    const field = h("input", { type: "text", readonly: true, value: text, "aria-label": what });
    const closed = ask(what, [field], null);
    field.select();
    await closed;
    return false;
  }
}
