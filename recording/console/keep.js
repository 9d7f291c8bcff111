/** How long a recording is kept, and why: holds by case, rules, and what waits for both. */

import { call, tabs } from "./api.js";
import { ask, fill, h, icon, say } from "./dom.js";
import { whenWithin } from "./format.js";
import { fact, loading, refused, trouble } from "./parts.js";
import { certificateButton } from "./requests.js";
import { plain } from "./words.js";

/** What is going to happen, in words. */
const ACTIONS = { keep: "Kept, with no known end.", delete: "A rule asks for its destruction.", erase: "Its erasure was requested." };

/** Return the card; it fills itself. */
export function keptCard({ recording, me, path, signal }) {
  const card = h("section", { class: "card kept", "aria-label": "Kept" });
  const said = h("div", { role: "status" });
  fill(card, h("h2", null, "Kept"), loading(2));
  show();

  async function show() {
    try {
      const { data } = await call(`${path}/disposition`, { signal });
      draw(data);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === undefined) throw error;
      if (error.status === 404) card.remove();
      else fill(card, h("h2", null, "Kept"), trouble(error, show));
    }
  }

  function draw(data) {
    const isHold = (one) => one.because === "hold";
    const holds = [...data.blockedBy, ...data.reasons].filter((one, at, all) => isHold(one) && all.findIndex((other) => other.source === one.source && isHold(other)) === at);
    const reasons = data.reasons.filter((one) => !isHold(one) && one.because !== "no_rule_deletes_it");
    const isEndless = data.reasons.some((one) => one.because === "no_rule_deletes_it");
    fill(
      card,
      h("h2", null, "Kept"),
      h("p", null, data.disposedAt ? ["Its content was destroyed ", whenWithin(data.disposedAt), "."] : data.keptUntil ? ["Until ", whenWithin(data.keptUntil), "."] : isEndless ? "Without an end: no rule asks for it." : ACTIONS[data.action] ?? plain(data.action)),
      h("dl", { class: "facts" }, reasons.map((one) => fact(plain(one.because), h("bdi", null, one.source ?? ""), one.until ? [" until ", whenWithin(one.until)] : "")), data.certificate ? fact("Certificate", h("bdi", null, data.certificate)) : null),
      holds.length
        ? h("ul", { class: "bare holds" }, holds.map((one) => h("li", { class: "row between" }, h("span", null, icon("lock"), " ", h("bdi", { class: "strong" }, one.source), one.since ? [" ", h("span", { class: "quiet" }, "since ", whenWithin(one.since))] : null), me.may.hold && h("button", { type: "button", class: "button small screen-only", "aria-label": `Release ${one.source}`, onclick: () => release(one.source) }, "Release"))))
        : h("p", { class: "quiet" }, "No case holds it."),
      data.certificate && certificateButton(recording.recordingId, signal),
      me.may.hold && !data.disposedAt && h("p", { class: "screen-only" }, h("button", { type: "button", class: "button small", onclick: hold }, icon("lock"), "Hold for a case")),
      said,
    );
  }

  async function hold() {
    const name = h("input", { id: "case", required: true, maxlength: "128", dir: "auto", autocomplete: "off" });
    const answer = await because("Hold for a case", "It is kept, whatever rules or requests say, until every case is released.", [h("label", { class: "field", for: "case" }, "Case", name)], () => ({ case: name.value.trim() }));
    if (answer) change("PUT", answer.case, answer.reason, "On hold");
  }

  async function release(name) {
    const answer = await because(`Release ${name}`, "When the last case is released, a grace period begins.", [], () => ({}));
    if (answer) change("DELETE", name, answer.reason, "Released");
  }

  async function because(title, text, fields, read) {
    const reason = h("textarea", { id: "reason", required: true, maxlength: "256", rows: "3", dir: "auto" });
    return ask(title, [h("p", null, text), fields, h("label", { class: "field", for: "reason" }, "Reason (kept in the audit trail)", reason)], { label: title, read: () => ({ ...read(), reason: reason.value.trim() }) });
  }

  async function change(method, name, reason, done) {
    try {
      await call(`${path}/holds/${encodeURIComponent(name)}`, { method, body: { reason }, signal });
      say(done);
      tabs.postMessage({ changed: recording.recordingId });
      show();
    } catch (error) {
      refused(said, error);
    }
  }

  return card;
}
