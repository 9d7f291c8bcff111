/** Parts that every screen has: loading, empty and error states, and text that may be long or right to left. */

import { copy, fill, h, prose } from "./dom.js";
import { short } from "./format.js";

/** Return grey lines of the size of what is coming. */
export function loading(lines = 4) {
  return h("div", { class: "loading", role: "status" }, h("span", { class: "unseen" }, "Loading …"), Array.from({ length: lines }, () => h("div", { class: "line" })));
}

/** Return what went wrong, and a way to try again. */
export function trouble(error, again) {
  return h(
    "div",
    { class: "card trouble", role: "alert" },
    h("p", { class: "strong" }, ["role_missing", "http_403"].includes(error.code) ? "Your role does not allow this." : error.message),
    error.remedy && h("p", null, prose(error.remedy)),
    error.code && h("p", { class: "quiet" }, `Code: ${error.code}`),
    again && h("button", { type: "button", class: "button", onclick: again }, "Try again"),
  );
}

/** Return what is said where there is nothing. */
export function empty(title, text) {
  return h("div", { class: "empty" }, h("p", { class: "strong" }, title), text && h("p", { class: "quiet" }, text));
}

const turns = new WeakMap();

/**
 * Load into a region: grey lines first, then content or trouble. The promise is of when it stands. Of several at once the
 * last one that was asked for counts, whichever answers last.
 */
export async function load(region, lines, work) {
  const turn = (turns.get(region) ?? 0) + 1;
  turns.set(region, turn);
  const isLast = () => turns.get(region) === turn;
  region.setAttribute("aria-busy", "true");
  fill(region, loading(lines));
  try {
    const shown = await work();
    if (isLast()) fill(region, shown);
  } catch (error) {
    if (isLast() || error.status === undefined) refused(region, error, () => load(region, lines, work));
  } finally {
    if (isLast()) region.removeAttribute("aria-busy");
  }
}

/** Return a long id: its end, the whole of it in the title, copied by a click. */
export function identifier(id, what = "Id") {
  if (!id) return h("span", { class: "quiet" }, "–");
  return h("button", { type: "button", class: "identifier", title: id, onclick: () => copy(id, what) }, h("span", { class: "unseen" }, `Copy ${what.toLowerCase()} `), h("bdi", null, short(id)), h("span", { class: "whole", "aria-hidden": "true" }, id));
}

/** Return tags as chips that search for them. */
export function tags(all) {
  const entries = Object.entries(all ?? {});
  if (!entries.length) return null;
  return h(
    "ul",
    { class: "chips", "aria-label": "Tags" },
    entries.map(([name, value]) => h("li", null, h("a", { class: "chip", href: `#/search?${new URLSearchParams({ range: "any", tag: `${name}:${value}` })}` }, h("span", { class: "quiet", dir: "auto" }, name), " ", h("bdi", null, value)))),
  );
}

/** Return a term and what it says. */
export function fact(term, ...value) {
  const shown = value.flat().filter((one) => one !== null && one !== undefined && one !== "");
  return shown.length ? h("div", null, h("dt", null, term), h("dd", null, shown)) : null;
}

/** Show in a region what the server refused; what is not a refusal is a fault of the page. */
export function refused(said, error, again) {
  if (error.name === "AbortError") return;
  if (error.status === undefined) throw error;
  fill(said, trouble(error, again));
}
