/** Now: is anything being lost? Told in the first line; kept fresh by asking with an ETag. */

import { call } from "./api.js";
import { fill, h, icon, keyed, prose, say } from "./dom.js";
import { ago, clock, count, counted, left, midnight, plainTime, rough, short, size, whenWithin } from "./format.js";
import { empty, loading, trouble } from "./parts.js";
import { KINDS, LOSSES, adviceOn, faultWords, plain } from "./words.js";

const EVERY = 5_000;

/** Show the screen; the answer stops it. */
export function showNow(root, { me }) {
  const head = h("section", { class: "verdict", "aria-live": "polite" }, loading(1));
  const list = h("ul", { class: "attention", "aria-label": "What needs attention" });
  const numbers = h("div", { class: "numbers" }, loading(2));
  const fresh = h("p", { class: "quiet fresh" });
  fill(root, h("h1", null, "Now"), head, list, numbers, fresh);
  const state = { etag: null, at: 0, data: null, said: "", timer: 0, ticking: 0, isOver: false, isLooking: false };

  async function look() {
    if (state.isLooking) return;
    clearTimeout(state.timer);
    state.isLooking = true;
    try {
      const { data, etag, unchanged } = await call("now", { etag: state.etag, query: { from: midnight(Date.now()).toISOString() } });
      if (state.isOver) return;
      Object.assign(state, { etag, at: Date.now() });
      if (!unchanged) {
        state.data = data;
        draw();
      }
      tick();
    } catch (error) {
      if (state.isOver) return;
      if (error.status === undefined) throw error;
      if (!state.data) fill(head, trouble(error, look));
      fill(fresh, h("span", { class: "problem" }, error.status ? error.message : "No connection; what you see is old."), ` Last answer ${state.at ? ago(new Date(state.at)) : "never"}.`);
    } finally {
      state.isLooking = false;
      if (!state.isOver) state.timer = setTimeout(look, document.hidden ? EVERY * 6 : EVERY);
    }
  }

  function draw() {
    const { data } = state;
    const items = data.attention ?? [];
    const verdict = verdictOf(items, data.attentionComplete !== false);
    fill(head, verdict.node);
    if (verdict.text !== state.said) say(verdict.text);
    state.said = verdict.text;
    keyed(list, items, (item) => `${item.kind} ${item.id}`, (item) => itemOf(item, me));
    fill(numbers, numbersOf(data));
  }

  function tick() {
    for (const node of list.querySelectorAll("[data-due]")) node.textContent = left((new Date(node.dataset.due) - Date.now()) / 1000);
    fill(fresh, `Updated ${plainTime(new Date(state.at))}; looks again every ${EVERY / 1000} s.`);
  }

  look();
  state.ticking = setInterval(() => state.data && tick(), 15_000);
  const woken = () => {
    if (!document.hidden) look();
  };
  document.addEventListener("visibilitychange", woken);
  return () => {
    state.isOver = true;
    clearTimeout(state.timer);
    clearInterval(state.ticking);
    document.removeEventListener("visibilitychange", woken);
  };
}

function verdictOf(items, isWhole) {
  if (!items.length) {
    const text = "Nothing needs attention";
    return { text, node: h("div", { class: "card calm" }, icon("check"), h("div", null, h("p", { class: "big" }, text), h("p", { class: "quiet" }, isWhole ? "Every recording that is due is archived and proven." : "More is open than was looked at; what has the least time left was."))) };
  }
  const lost = items.filter((item) => LOSSES.has(item.kind)).length;
  const isBad = items.some((item) => KINDS[item.kind]?.[0] === "bad");
  const due = items.map(dueOf).filter((time) => time && time > Date.now());
  const least = due.length ? ` The first in ${rough((Math.min(...due) - Date.now()) / 1000)}.` : "";
  const text = lost ? `${counted(lost, "recording file is", "recording files are")} lost, missing or at risk` : `${counted(items.length, "thing waits", "things wait")} for a decision or a fix`;
  return { text, node: h("div", { class: `card ${isBad ? "alarm" : "heed"}` }, icon("held"), h("div", null, h("p", { class: "big" }, text), h("p", { class: "quiet" }, `${counted(items.length, "item")} below, the most urgent first.${least}`))) };
}

function dueOf(item) {
  if (item.dueAt) return new Date(item.dueAt).getTime();
  return item.timeLeftSeconds === null || item.timeLeftSeconds === undefined ? null : Date.now() + item.timeLeftSeconds * 1000;
}

function itemOf(item, me) {
  const [tone, word, meaning] = KINDS[item.kind] ?? ["warn", plain(item.kind), ""];
  const due = dueOf(item);
  const title = item.recordingId ? h("a", { href: `#/recording/${encodeURIComponent(item.recordingId)}` }, "Recording ", h("bdi", null, short(item.recordingId)), item.index === null || item.index === undefined ? "" : `, chunk ${item.index}`) : h("span", null, h("bdi", null, short(item.id)));
  return h(
    "li",
    { class: `card item ${tone}` },
    h("div", { class: "item-head" }, h("span", { class: `badge ${tone}` }, icon("held"), word), h("span", { class: "strong" }, title), due && h("span", { class: "due", "data-due": new Date(due).toISOString() }, left((due - Date.now()) / 1000))),
    h("p", null, meaning, " ", h("span", { class: "quiet" }, "Reason: ", plain(item.reason), item.attempts ? `, ${counted(item.attempts, "try", "tries")}` : "", faultWords(item.fault) && `, ${faultWords(item.fault)}`, ". Since ", whenWithin(item.at), nextTry(item), ".")),
    h("p", { class: "advice" }, prose(adviceOn(item)), me.may?.operate && [" ", h("a", { href: `#/held?${new URLSearchParams({ id: item.id })}` }, "Decide")]),
  );
}

/** Return when an item is tried again; a time that is over says nothing of the future. */
function nextTry(item) {
  if (!item.nextAttemptAt) return "";
  return new Date(item.nextAttemptAt) > Date.now() ? [", next try ", whenWithin(item.nextAttemptAt)] : ", next try is due";
}

function numbersOf(data) {
  const today = data.volume?.today ?? {};
  const queues = Array.isArray(data.queues) ? data.queues : Object.entries(data.queues ?? {}).map(([name, value]) => ({ name, ...(typeof value === "object" ? value : { messages: value }) }));
  return [
    h("section", { class: "card" }, h("h2", null, "Today"), h("dl", { class: "figures" }, figure("Recordings", count(today.recordings)), figure("Archived", count(today.archived)), figure("Files", count(today.chunks)), figure("Recorded", today.durationMs === undefined ? "–" : clock(today.durationMs / 1000)), figure("Stored", size(today.bytes))), today.isWhole === false && h("p", { class: "quiet" }, "There are more than were counted.")),
    h(
      "section",
      { class: "card" },
      h("h2", null, "Queues"),
      queues.length
        ? h("table", { class: "plain" }, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Queue"), h("th", { scope: "col", class: "number" }, "Waiting"), h("th", { scope: "col" }, "Oldest"))), h("tbody", null, queues.map((queue) => h("tr", null, h("th", { scope: "row" }, queue.name), h("td", { class: "number" }, count(queue.messages)), h("td", null, queue.oldestAt ? ago(queue.oldestAt) : "–")))))
        : empty("No queue was read."),
      h("p", { class: "quiet" }, "Last reconcile: ", data.lastReconcileAt ? whenWithin(data.lastReconcileAt, true) : "unknown", "."),
    ),
  ];
}

const figure = (term, value) => h("div", null, h("dt", null, term), h("dd", null, value));
