/** Requests: bundles to hand over, and erasures that need a second person. Who is meant goes in a body, never in an address. */

import { address, call, get, getPages, post, tabs, whole } from "./api.js";
import { ask, busy, copy, fill, h, icon, keyed, save, say } from "./dom.js";
import { counted, numberIn, short, size, when, whenWithin } from "./format.js";
import { empty, fact, identifier, load, refused } from "./parts.js";
import { badge, plain } from "./words.js";

const EVERY = 5_000;
const OPEN = ["requested", "running"];
const SCOPES = { recording: "The whole of each recording", speaker: "Only this person's voice", speaker_else_recording: "The voice; the recording where it is not alone on its channel" };

/** Show the screen, or one request for erasure. */
export function showRequests(root, { id, query, me }) {
  const over = new AbortController();
  const context = { me, query, signal: over.signal, timers: new Set() };
  if (id && me.may.erase) showErasure(root, id, context);
  else fill(root, h("h1", null, "Requests"), me.may.export && exportsCard(context), me.may.erase && erasuresCard(context));
  return () => {
    over.abort();
    for (const timer of context.timers) clearInterval(timer);
  };
}

/** Call `look` now and every few seconds while `isOpen` says that something moves. */
function follow(look, isOpen, { timers, signal }) {
  look();
  timers.add(setInterval(() => !signal.aborted && !document.hidden && isOpen() && look(true), EVERY));
}

// --- exports ----------------------------------------------------------------------------------------------------------

function exportsCard(context) {
  const list = h("ul", { class: "bare requests", "aria-label": "Exports" });
  const region = h("div");
  const older = h("div", { class: "row screen-only" });
  let rows = [];
  let pages = 1;

  async function look(again = false) {
    const work = async () => {
      const found = await getPages("exports", "exports", pages, context.signal);
      rows = found.rows;
      fill(older, found.isMore && olderButton(() => ((pages += 1), look(true))));
      if (!rows.length) return empty("No export.", "A bundle has media, metadata, receipts and proofs, and a page that shows them. It is gone after a week.");
      keyed(list, rows, (one) => one.exportId, (one) => exportOf(one, context));
      return list;
    };
    if (!again) return load(region, 3, work);
    return work().then((shown) => shown.isConnected || fill(region, shown), quietly);
  }

  follow(look, () => rows.some((one) => OPEN.includes(one.state)), context);
  return h("section", { class: "card", "aria-labelledby": "exports" }, h("h2", { id: "exports" }, "Hand over"), h("p", { class: "quiet" }, "A bundle for a lawyer, an authority or the caller: it can be heard and verified without this app."), exportForm(context, look), region, older);
}

function exportForm({ query, signal }, look) {
  const said = h("div", { role: "status" });
  const subject = subjectFields("export", query, { recordings: "Recordings, by their ids", person: "A person, by number or id", tag: "A tag, as name:value" });
  const only = h("input", { type: "checkbox", id: "only-speaker" });
  const note = h("input", { id: "export-note", maxlength: "500", dir: "auto", autocomplete: "off", placeholder: "without numbers and names" });

  async function submit() {
    const body = { ...subject.read(), note: note.value.trim() || undefined };
    if (only.checked && (body.number || body.participant)) body.onlySpeaker = true;
    try {
      const made = await post("exports", body, signal);
      fill(said, h("p", { class: "quiet" }, `Asked for: ${counted(made.recordings, "recording")}.`));
      subject.clear();
      look();
    } catch (error) {
      refused(said, error);
    }
  }

  const form = h("form", { class: "asking screen-only", "aria-label": "Hand over", onsubmit: (event) => { event.preventDefault(); busy(event.submitter ?? form, submit); } }, subject.node, h("div", { class: "field" }, h("label", { for: "export-note" }, "Note"), note), h("label", { class: "check only" }, only, "Only this person's voice"), h("button", { class: "button primary" }, "Make a bundle"), said);
  form.addEventListener("change", () => form.classList.toggle("by-person", subject.kind() === "person"));
  form.classList.toggle("by-person", subject.kind() === "person");
  return form;
}

function exportOf(one, { signal }) {
  const said = h("span", { role: "status", class: "quiet" });

  async function take() {
    try {
      const blob = await whole(address(`exports/${one.exportId}/bundle`), (done, total) => fill(said, `${size(done)} of ${size(total)}`), signal);
      save(blob, `export-${one.exportId.slice(0, 8)}.zip`);
      fill(said, `Saved ${size(blob.size)}`);
    } catch (error) {
      refused(said, error);
    }
  }

  return h(
    "li",
    { class: "request" },
    h("div", { class: "row between" }, h("span", null, h("span", { class: "strong" }, counted(one.recordings, "recording")), h("span", { class: "quiet" }, ", ", whenWithin(one.requestedAt))), badge(one.state)),
    OPEN.includes(one.state) && h("progress", { max: one.recordings, value: one.done, "aria-label": "Recordings in the bundle" }, `${one.done} of ${one.recordings}`),
    h("dl", { class: "facts" }, fact("By", one.requestedBy ? h("bdi", { title: one.requestedBy }, short(one.requestedBy)) : null), fact("Note", one.note ? h("bdi", null, one.note) : null), fact("Length", one.lengthBytes ? size(one.lengthBytes) : null), fact(one.state === "gone" ? "Gone since" : "Available until", one.expiresAt ? when(one.expiresAt) : null), fact("Manifest", one.sha256 ? identifier(one.sha256, "SHA-256 of the manifest") : null),
      fact("Left out", one.leftOutCount ? h("ul", null, one.leftOut.map((each) => h("li", null, h("bdi", null, each.what), ": ", each.why)), one.leftOutCount > one.leftOut.length && h("li", null, `and ${one.leftOutCount - one.leftOut.length} more: see export.json in the bundle`)) : null), fact("Error", one.error ? h("span", { class: "problem" }, plain(one.error)) : null)),
    one.blobName && h("div", { class: "row screen-only" }, h("button", { type: "button", class: "button small", onclick: (event) => busy(event.currentTarget, take), "aria-label": `Download the bundle of ${counted(one.recordings, "recording")}` }, icon("down"), "Download"), said),
  );
}

// --- erasures ---------------------------------------------------------------------------------------------------------

function erasuresCard(context) {
  const region = h("div");
  let pages = 1;
  const look = () =>
    load(region, 3, async () => {
      const { rows, unread, isMore } = await getPages("erasures", "erasures", pages, context.signal);
      const lacking = unread.length > 0 && h("p", { class: "verdict-line bad" }, `${counted(unread.length, "request")} cannot be read: `, h("bdi", null, unread.join(", ")));
      if (!rows.length && !lacking) return empty("No request.", "What is requested here waits until another person approves it.");
      return [lacking, h("ul", { class: "bare requests", "aria-label": "Erasures" }, rows.map((one) => erasureRow(one, context.me))), isMore && h("div", { class: "row screen-only" }, olderButton(() => ((pages += 1), look())))];
    });
  const told = (event) => event.data?.erasure && look();
  tabs.addEventListener("message", told, { signal: context.signal });
  look();
  return h("section", { class: "card", "aria-labelledby": "erasures" }, h("h2", { id: "erasures" }, "Erase"), h("p", { class: "quiet" }, "Two people: one asks, another one approves. Holds and legal retention still win; what they block is erased when they end."), erasureForm(context, look), region);
}

function erasureRow(one, me) {
  return h(
    "li",
    { class: "request" },
    h("div", { class: "row between" }, h("span", null, h("a", { href: `#/requests/${one.erasureId}` }, h("bdi", null, one.reason)), " ", h("span", { class: "quiet" }, `${counted(one.recordings, "recording")}, `, whenWithin(one.requestedAt), one.requestedBy === me.id ? " by you" : "")), stateOf(one, me)),
  );
}

function stateOf(one, me) {
  if (one.state === "requested") return h("span", { class: "badge warn" }, icon("clock"), one.requestedBy === me.id ? "Waits for another person" : "Waits for approval");
  return badge(one.state === "done" ? "erased" : one.state);
}

function erasureForm({ query, signal }, look) {
  const said = h("div", { role: "status" });
  const subject = subjectFields("erase", query, { recordings: "Recordings, by their ids", person: "A person, by number or id" });
  const others = h("textarea", { id: "erase-others", rows: "2", maxlength: "4000", dir: "auto", autocomplete: "off", spellcheck: "false", placeholder: "one in each line" });
  const scope = h("select", { id: "erase-scope" }, Object.entries(SCOPES).map(([value, text]) => h("option", { value }, text)));
  const reason = h("input", { id: "erase-reason", required: true, maxlength: "256", dir: "auto", autocomplete: "off", placeholder: "without numbers and names" });

  async function submit() {
    const { recordings, participant, number } = subject.read();
    const body = { reason: reason.value.trim(), ...(recordings ? { recordings } : { participant: participant ?? number, alsoKnownAs: linesOf(others), scope: scope.value }) };
    try {
      const made = await post("erasures", body, signal);
      say("Asked for");
      tabs.postMessage({ erasure: made.erasureId });
      location.hash = `#/requests/${made.erasureId}`;
    } catch (error) {
      refused(said, error);
    }
  }

  const form = h("form", { class: "asking screen-only", "aria-label": "Erase", onsubmit: (event) => { event.preventDefault(); busy(event.submitter ?? form, submit); } }, subject.node, h("div", { class: "field only" }, h("label", { for: "erase-others" }, "Other ids, numbers and names"), others), h("div", { class: "field only" }, h("label", { for: "erase-scope" }, "What goes"), scope), h("div", { class: "field" }, h("label", { for: "erase-reason" }, "Reason (kept)"), reason), h("button", { class: "button danger" }, "Ask for erasure"), said);
  form.addEventListener("change", () => form.classList.toggle("by-person", subject.kind() === "person"));
  form.classList.toggle("by-person", subject.kind() === "person");
  return form;
}

function linesOf(field) {
  return field.value.split("\n").map((line) => line.trim()).filter(Boolean);
}

function showErasure(root, id, context) {
  const region = h("div");
  fill(root, h("p", { class: "crumbs" }, h("a", { href: "#/requests" }, "← all requests")), h("h1", null, "Erasure"), region);
  const look = () => load(region, 5, async () => erasureOf(await get(`erasures/${encodeURIComponent(id)}`, {}, context.signal), context, look));
  look();
}

function erasureOf(one, { me, signal }, look) {
  const said = h("div", { role: "status" });
  const isMine = one.requestedBy === me.id;

  async function approve() {
    const sure = await ask("Approve the erasure", [h("p", null, `${counted(one.recordings.length, "recording")} will be destroyed, with every trace of them, as soon as no hold and no law keeps them. This cannot be undone.`)], { label: "Approve", danger: true, read: () => true });
    if (!sure) return;
    try {
      await post(`erasures/${one.erasureId}/approve`, {}, signal);
      say("Approved");
      tabs.postMessage({ erasure: one.erasureId });
      look();
    } catch (error) {
      refused(said, error);
    }
  }

  const share = () => copy(`${location.origin}${location.pathname}#/requests/${one.erasureId}`, "Link for the second person");
  const done = one.recordings.filter((item) => item.certificate).length;
  return [
    h(
      "section",
      { class: "card", "aria-label": "Request" },
      h("div", { class: "row between" }, h("p", { class: "strong" }, h("bdi", null, one.reason)), stateOf(one, me)),
      h("dl", { class: "facts" }, fact("Asked for", when(one.requestedAt, true), " by ", person(one.requestedBy, me)), fact("Approved", one.approvedAt ? [when(one.approvedAt, true), " by ", person(one.approvedBy, me)] : null), fact("Done", one.doneAt ? when(one.doneAt, true) : null), fact("Traces elsewhere", one.approvedAt ? counted(one.tracesErased, "trace erased", "traces erased") : null), fact("Request", identifier(one.erasureId, "Request id"))),
      one.approvedAt && h("progress", { max: Math.max(1, one.recordings.length), value: done, "aria-label": "Recordings that are erased" }, `${done} of ${one.recordings.length}`),
      one.state === "requested" && h("div", { class: "row screen-only" }, isMine ? h("p", null, "Another person with the role has to approve it.") : h("button", { type: "button", class: "button danger", onclick: approve }, "Approve"), h("button", { type: "button", class: "button", onclick: share }, icon("link"), "Copy link")),
      said,
    ),
    h("section", { class: "card", "aria-label": "Recordings" }, h("h2", null, counted(one.recordings.length, "recording")), one.recordings.length ? h("ul", { class: "bare requests" }, one.recordings.map((item) => itemOf(item, signal, one.erasureId))) : empty("Nothing of this person is archived.", "What names them elsewhere is erased all the same.")),
  ];
}

function person(who, me) {
  return who && who === me.id ? "you" : h("bdi", { title: who ?? "" }, short(who ?? "someone"));
}

function itemOf(item, signal, erasureId) {
  return h(
    "li",
    { class: "request" },
    h("div", { class: "row between" }, h("a", { href: `#/recording/${encodeURIComponent(item.recordingId)}` }, "Recording ", h("bdi", null, short(item.recordingId))), badge(item.certificate ? "erased" : item.state)),
    item.refusedBecause && h("p", { class: "problem" }, `Not now: ${plain(item.refusedBecause)}`, item.refusedUntil ? [", until ", whenWithin(item.refusedUntil)] : "", "."),
    item.certificate && certificateButton(item.recordingId, signal, erasureId),
  );
}

/** Return a button that saves the certificate of a recording's destruction, or the one that a request led to. */
export function certificateButton(recordingId, signal, erasureId) {
  const said = h("span", { role: "status" });

  async function take() {
    try {
      const query = erasureId ? { erasure: erasureId } : {};
      const { data } = await call(`recordings/${encodeURIComponent(recordingId)}/certificate`, { query, signal });
      save(new Blob([`${JSON.stringify(data, null, 2)}\n`], { type: "application/json" }), `certificate ${recordingId.slice(-10)}.json`);
    } catch (error) {
      refused(said, error);
    }
  }

  return h("div", { class: "row screen-only" }, h("button", { type: "button", class: "button small", onclick: take }, icon("down"), "Certificate"), said);
}

// --- both -------------------------------------------------------------------------------------------------------------

/** Return a button below a list that goes on: one that just ended would be read as all there is. */
function olderButton(more) {
  return h("button", { type: "button", class: "button", onclick: (event) => busy(event.currentTarget, more) }, "Show older ones");
}

/** Return the fields that say what is meant: recordings by ids, a person, or a tag. */
function subjectFields(name, query, kinds) {
  const given = { recordings: query.getAll("recording").join(" "), person: query.get("person") ?? "", tag: query.get("tag") ?? "" };
  const kind = h("select", { id: `${name}-kind` }, Object.entries(kinds).map(([value, text]) => h("option", { value }, text)));
  kind.value = Object.keys(kinds).find((one) => given[one]) ?? "recordings";
  const what = h("input", { id: `${name}-what`, required: true, autocomplete: "off", spellcheck: "false", dir: "auto", value: given[kind.value] });
  kind.addEventListener("change", () => {
    what.value = given[kind.value];
  });
  return {
    node: h("div", { class: "asked" }, h("div", { class: "field" }, h("label", { for: `${name}-kind` }, "What"), kind), h("div", { class: "field" }, h("label", { for: `${name}-what` }, "Which"), what)),
    kind: () => kind.value,
    clear() {
      what.value = "";
    },
    read() {
      const text = what.value.trim();
      if (kind.value === "recordings") return { recordings: text.split(/[\s,;]+/).filter(Boolean) };
      if (kind.value === "tag") return { tag: text };
      const number = numberIn(text);
      return number ? { number } : { participant: text };
    },
  };
}

function quietly(error) {
  if (error.name !== "AbortError" && error.status === undefined) throw error;
}
