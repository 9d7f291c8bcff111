/** Kept: what goes within the next weeks, which cases hold what, and the rules that are in force. */

import { get } from "./api.js";
import { busy, fill, h, icon } from "./dom.js";
import { counted, short, whenWithin } from "./format.js";
import { empty, load } from "./parts.js";
import { plain } from "./words.js";

const DAY = 86_400_000;
const SPANS = { 7: "7 days", 30: "30 days", 90: "90 days", 365: "a year" };

/** Show the screen. */
export function showKept(root) {
  const over = new AbortController();
  const days = h("select", { id: "within", onchange: () => look() }, Object.entries(SPANS).map(([value, text]) => h("option", { value }, text)));
  days.value = "30";
  const going = h("div");
  const held = h("div");
  const rules = h("div");
  const look = () => load(going, 4, () => part({ before: new Date(Date.now() + Number(days.value) * DAY).toISOString() }, null));

  async function part(query, list) {
    const found = await get("disposition", query, over.signal);
    const rows = found.recordings.map(goingRow);
    const more = found.next && h("button", { type: "button", class: "button", onclick: (event) => goOn(event.currentTarget, { ...query, next: found.next }) }, "Look further");
    if (list) {
      list.append(...rows);
      return [rows[0]?.querySelector("a"), more];
    }
    if (!rows.length && !more) return empty("Nothing goes.", "No rule and no request asks for the end of a recording in this time.");
    return [h("ul", { class: "bare requests", "aria-label": "What goes" }, rows), h("p", { class: "row" }, more)];
  }

  async function goOn(button, query) {
    const row = button.parentNode;
    await busy(button, async () => {
      try {
        const [first, more] = await part(query, going.querySelector("ul"));
        row.replaceChildren(...(more ? [more] : []));
        (first ?? more)?.focus();
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status === undefined) throw error;
        row.replaceChildren(button, h("span", { class: "problem", role: "alert" }, error.message));
        button.focus();
      }
    });
  }

  fill(
    root,
    h("h1", null, "Kept"),
    h("div", { class: "columns" }, h("section", { class: "card", "aria-labelledby": "going" }, h("div", { class: "row between" }, h("h2", { id: "going" }, "What goes within"), h("label", { class: "unseen", for: "within" }, "Within"), h("span", { class: "narrow" }, days)), going), h("div", null, h("section", { class: "card", "aria-labelledby": "holding" }, h("h2", { id: "holding" }, "On hold"), held), h("section", { class: "card", "aria-labelledby": "rules" }, h("h2", { id: "rules" }, "Rules"), rules))),
  );
  look();
  load(held, 3, async () => heldOf(await get("holds", { limit: 200 }, over.signal)));
  load(rules, 3, async () => rulesOf(await get("retention/rules", {}, over.signal)));
  return () => over.abort();
}

function goingRow(one) {
  return h(
    "li",
    { class: "request" },
    h("div", { class: "row between" }, link(one.recordingId), h("span", { class: "quiet" }, one.keptUntil ? ["kept until ", whenWithin(one.keptUntil)] : plain(one.state))),
    h("p", { class: "quiet" }, one.reasons.map((reason, at) => [at ? ", " : "", plain(reason.because), reason.source ? [" ", source(reason)] : ""])),
  );
}

function heldOf(found) {
  if (!found.recordings.length) return empty("No case holds anything.");
  const cases = new Map();
  for (const one of found.recordings) for (const hold of one.holds.filter((each) => !each.releasedAt)) cases.set(hold.case, [...(cases.get(hold.case) ?? []), { ...hold, recordingId: one.recordingId }]);
  return [
    h("ul", { class: "bare requests", "aria-label": "Cases" }, [...cases].sort(([a], [b]) => a.localeCompare(b)).map(([name, holds]) => h("li", { class: "request" }, h("p", null, icon("lock"), " ", h("bdi", { class: "strong" }, name), h("span", { class: "quiet" }, ` ${counted(holds.length, "recording")}`)), h("ul", { class: "bare" }, holds.map((hold) => h("li", null, link(hold.recordingId), h("span", { class: "quiet" }, " since ", whenWithin(hold.since), hold.reason ? [": ", h("bdi", null, hold.reason)] : ""))))))),
    found.next && h("p", { class: "quiet" }, "There are more than are shown here."),
  ];
}

function rulesOf(found) {
  if (!found.rules.length) return empty("No rule.", "Without a rule, nothing is destroyed unless its erasure is approved.");
  return [
    h("p", { class: "quiet" }, `Number ${found.number}`, found.at ? [", since ", whenWithin(found.at)] : "", found.note ? [": ", h("bdi", null, found.note)] : "", "."),
    h("ul", { class: "bare requests", "aria-label": "Rules" }, found.rules.map((rule) => h("li", { class: "request" }, h("p", null, h("bdi", { class: "strong" }, rule.name), ` ${ASKS[rule.action]?.(counted(rule.days, "day")) ?? plain(rule.action)}`), h("p", { class: "quiet" }, conditions(rule))))),
  ];
}

/** A case or a rule by its name; a request for erasure by the end of its id. */
const source = (reason) => h("bdi", { title: reason.source }, short(reason.source));

/** What a rule asks for, in words; without its days no rule is in force. */
const ASKS = { retain: (days) => `keep for ${days}`, delete: (days) => `delete after ${days}`, retain_and_delete: (days) => `keep for ${days}, then delete` };

/** Return what a rule is about, in words. */
function conditions(rule) {
  const { tags = {}, ...others } = rule.when ?? {};
  const said = [
    ...Object.entries(tags ?? {}).map(([name, value]) => `tag ${name}${value === null ? "" : `: ${value}`}`),
    ...Object.entries(others).filter(([, value]) => value !== null && value !== undefined && value.length !== 0).map(([name, value]) => `${plain(name)}: ${[value].flat().join(", ")}`),
  ];
  return [said.length ? said.join(" · ") : "every recording", rule.legal && rule.action !== "delete" ? "; stands against a request for erasure" : "", rule.note ? ["; ", h("bdi", null, rule.note)] : ""];
}

const link = (id) => h("a", { href: `#/recording/${encodeURIComponent(id)}` }, "Recording ", h("bdi", null, short(id)));
