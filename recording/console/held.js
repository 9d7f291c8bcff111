/** Held: what waits for a decision. Each decision asks for a note, which stays in the audit trail. */

import { address, get, post, tabs } from "./api.js";
import { ask, fill, h, icon, prose, say } from "./dom.js";
import { counted, left, short, when } from "./format.js";
import { empty, fact, identifier, load, refused } from "./parts.js";
import { KINDS, adviceOn, faultWords, plain } from "./words.js";

const CAN_RETRY = new Set(["lost", "at_risk", "stuck", "held", "fallback_in_use", "poisoned", "dead_letter"]);
const CAN_DISMISS = new Set(["held", "lost", "missing", "incomplete", "pause_overdue", "consent_missing"]);

/** Show the screen. */
export function showHeld(root, { query }) {
  const region = h("div");
  const chosen = query.get("id");
  fill(root, h("div", { class: "row between" }, h("h1", null, "Held"), h("button", { type: "button", class: "button small", onclick: () => look() }, "Look again")), chosen && h("p", null, h("a", { href: "#/held" }, "← all of them")), region);
  const look = () => load(region, 5, async () => draw(await get("held", chosen ? { id: chosen } : {})));
  look();

  function draw(data) {
    const payloads = new Map((data.held ?? []).map((one) => [one.id, one]));
    const items = data.attention?.length ? data.attention : (data.held ?? []).map((one) => ({ ...one, kind: "held" }));
    if (!items.length) return empty("Nothing waits for a decision.", chosen ? "This one is settled." : "What the app cannot decide by itself appears here.");
    return [
      h("p", { class: "quiet", role: "status" }, counted(data.attentionCount ?? items.length, "item"), data.attentionComplete === false ? ", and there are more that were not read" : ""),
      h("ul", { class: "bare" }, items.map((item) => itemOf(item, payloads.get(item.id), look))),
    ];
  }

  const told = (event) => {
    if (event.data?.decided) look();
  };
  tabs.addEventListener("message", told);
  return () => tabs.removeEventListener("message", told);
}

function itemOf(item, held, look) {
  const [tone, word, meaning] = KINDS[item.kind] ?? ["warn", plain(item.kind), ""];
  const said = h("div", { role: "status" });
  const suspects = held?.suspects ?? item.suspects ?? [];

  async function decide(what, title, text) {
    const note = h("textarea", { id: "note", required: true, maxlength: "1000", rows: "3", dir: "auto" });
    const choice = what === "accept" && suspects.length > 1 ? h("select", { id: "blob" }, suspects.map((name) => h("option", { value: name }, short(name)))) : null;
    const answer = await ask(
      title,
      [h("p", null, text), choice && h("label", { class: "field", for: "blob" }, "Which bytes", choice), h("label", { class: "field", for: "note" }, "Note (kept in the audit trail)", note)],
      { label: title, danger: what !== "retry", read: () => ({ note: note.value.trim(), blobName: choice?.value }) },
    );
    if (!answer?.note) return;
    try {
      const done = await post(`held/${encodeURIComponent(item.id)}/${what}`, { note: answer.note, ...(answer.blobName ? { blobName: answer.blobName } : {}) });
      const skipped = done.skipped?.length && !done.done?.length;
      say(skipped ? "Nothing changed" : `${title}: done`);
      tabs.postMessage({ decided: item.id });
      if (skipped) fill(said, h("p", { class: "problem" }, "Nothing changed: it was settled meanwhile, or this cannot be done with it."));
      else look();
    } catch (error) {
      refused(said, error);
    }
  }

  /** What is suspect may well not play: then that is said. */
  function listen(event, name) {
    const media = h(name.endsWith(".mp4") ? "video" : "audio", { controls: true, src: address(`held/${encodeURIComponent(item.id)}/media`, { blob: name }).href, "aria-label": "Suspect bytes", onerror: () => fill(said, h("p", { class: "problem" }, "This browser cannot play these bytes.")) });
    event.currentTarget.replaceWith(media);
    media.focus();
    media.play().catch(() => {});
  }

  return h(
    "li",
    { class: `card item ${tone}` },
    h("div", { class: "item-head" }, h("span", { class: `badge ${tone}` }, icon("held"), word), h("span", { class: "strong" }, plain(item.reason)), item.timeLeftSeconds === null || item.timeLeftSeconds === undefined ? null : h("span", { class: "due" }, left(item.timeLeftSeconds))),
    h("p", null, meaning, item.meaning ? [" ", prose(item.meaning)] : ""),
    h("p", { class: "advice" }, prose(adviceOn(item))),
    h(
      "dl",
      { class: "facts" },
      fact("Since", when(item.at)),
      fact("Recording", item.recordingId ? h("a", { href: `#/recording/${encodeURIComponent(item.recordingId)}` }, h("bdi", null, short(item.recordingId)), item.index === null || item.index === undefined ? "" : `, chunk ${item.index}`) : null),
      fact("Tries", item.attempts || null),
      fact("Who can act", faultWords(item.fault) || null),
      fact("Item", identifier(item.id, "Item id")),
    ),
    held?.payload ? h("details", null, h("summary", null, "Payload"), h("pre", { tabindex: "0", dir: "ltr", "aria-label": "Payload" }, pretty(held.payload))) : null,
    h(
      "div",
      { class: "row" },
      item.kind === "held" && suspects.map((name, at) => h("button", { type: "button", class: "button small", onclick: (event) => listen(event, name) }, icon("play"), suspects.length > 1 ? `Listen ${at + 1}` : "Listen")),
      CAN_RETRY.has(item.kind) && h("button", { type: "button", class: "button small", onclick: () => decide("retry", "Retry", "It is worked on at once.") }, "Retry"),
      item.kind === "held" && item.documentId && h("button", { type: "button", class: "button small", onclick: () => decide("accept", "Accept", "These bytes become the recording although the media check refused them. Listen first.") }, "Accept"),
      CAN_DISMISS.has(item.kind) && h("button", { type: "button", class: "button small", onclick: () => decide("dismiss", "Dismiss", "It leaves every list. Nothing of it is archived by this.") }, "Dismiss"),
    ),
    said,
  );
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
