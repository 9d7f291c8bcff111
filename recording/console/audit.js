/** Audit: who started, heard, changed or decided what, and when. */

import { get } from "./api.js";
import { busy, fill, h } from "./dom.js";
import { counted, forInput, short, when, zone } from "./format.js";
import { empty, loading, trouble } from "./parts.js";
import { operationWords, plain } from "./words.js";

/** Show the screen. */
export function showAudit(root, { query }) {
  const recording = h("input", { id: "of", autocomplete: "off", spellcheck: "false", value: query.get("recording") ?? "" });
  const time = (id, name) => h("input", { id, type: "datetime-local", value: query.get(name) && !Number.isNaN(Date.parse(query.get(name))) ? forInput(new Date(query.get(name))) : "" });
  const [from, to] = [time("since", "from"), time("until", "to")];
  const iso = (field) => (field.value ? new Date(field.value).toISOString() : "");
  const said = h("p", { class: "quiet count", role: "status" });
  const results = h("div", { class: "results" });
  const more = h("div", { class: "row" });
  let state = { next: null, rows: 0, abort: new AbortController() };

  async function look() {
    state.abort.abort();
    state = { next: null, rows: 0, abort: new AbortController() };
    const kept = asked();
    history.replaceState(null, "", `#/audit?${new URLSearchParams(kept)}`);
    fill(results, loading(6));
    fill(more);
    await page(true);
  }

  const asked = () => Object.fromEntries(Object.entries({ recording: recording.value.trim(), from: iso(from), to: iso(to) }).filter(([, value]) => value));

  async function page(isFirst) {
    try {
      const data = await get("audit", { ...asked(), next: state.next }, state.abort.signal);
      const entries = data.entries ?? data.audit ?? data.rows ?? [];
      state.rows += entries.length;
      state.next = data.next ?? null;
      if (isFirst) fill(results, entries.length ? table(entries) : empty("No entries.", "Nothing was done in this time, or nothing with this recording."));
      else if (results.querySelector("tbody")) results.querySelector("tbody").append(...entries.map(rowOf));
      else if (entries.length) fill(results, table(entries));
      fill(said, entries.length || !isFirst ? `${counted(state.rows, "entry", "entries")}, the newest first${state.next ? "; there may be older ones" : ""}` : "");
      fill(more, state.next && h("button", { type: "button", class: "button", onclick: (event) => busy(event.currentTarget, () => page(false)) }, "Look further back"));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === undefined) throw error;
      if (isFirst) fill(results, trouble(error, look));
      else fill(more, trouble(error, () => page(false))); // what is shown stays
    }
  }

  fill(
    root,
    h("h1", null, "Audit"),
    h("form", { class: "card", onsubmit: (event) => { event.preventDefault(); look(); } }, h("div", { class: "fields first" }, h("div", { class: "field wide" }, h("label", { for: "of" }, "Recording id"), recording), h("div", { class: "field" }, h("label", { for: "since", title: zone() }, "Since (local time)"), from), h("div", { class: "field" }, h("label", { for: "until", title: zone() }, "Until"), to), h("button", { class: "button primary" }, "Show"))),
    said,
    results,
    more,
  );
  look();
  return () => state.abort.abort();
}

function table(entries) {
  return h("table", { class: "list" }, h("caption", { class: "unseen" }, "Audit entries"), h("thead", null, h("tr", null, ["When", "What", "Recording", "Who", "Outcome", "What of it, and why"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", null, entries.map(rowOf)));
}

function rowOf(one) {
  const isFine = ["asked", "done"].includes(one.outcome);
  return h(
    "tr",
    { class: isFine ? null : "refused" },
    h("td", { class: "whole" }, when(one.at, true)),
    h("td", { title: one.operation }, operationWords(one.operation)),
    h("td", { class: "whole" }, one.recordingId ? h("a", { href: `#/recording/${encodeURIComponent(one.recordingId)}` }, h("bdi", null, short(one.recordingId))) : "–"),
    h("td", { class: "whole" }, one.caller ? h("bdi", { title: one.caller }, short(one.caller)) : "–"),
    h("td", null, h("span", { class: isFine ? "quiet" : "problem" }, plain(one.outcome))),
    h("td", null, [one.part, one.note].filter(Boolean).map((text, at) => [at ? "; " : "", h("bdi", null, text)])),
  );
}
