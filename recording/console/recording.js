/** One recording: hear it, see what it is, what happened to it, and how it is proven. */

import { call, post, tabs as otherTabs } from "./api.js";
import { busy, fill, h, icon, save } from "./dom.js";
import { filesCard, madeCard } from "./files.js";
import { clock, counted, left, moment, secondsOf, size, when, whenWithin } from "./format.js";
import { keptCard } from "./keep.js";
import { empty, fact, identifier, loading, load, refused } from "./parts.js";
import { isPlayable, playerOf } from "./player.js";
import { lineOf, notesOf } from "./timeline.js";
import { badge, faultWords, isArchived, participantName, plain } from "./words.js";

/** Show the screen. */
export function showRecording(root, { id, query, me }) {
  const over = new AbortController();
  const path = `recordings/${encodeURIComponent(id)}`;
  const [head, note, sound, body] = [h("div"), h("div"), h("div"), h("div")];
  let player = null;
  let heard = "";
  let turn = 0; // how often it was asked for: an answer that a later one has overtaken counts no more
  fill(root, h("h1", null, "Recording"), loading(6));
  open();

  async function open() {
    turn += 1;
    const mine = turn;
    try {
      const { data, etag } = await call(path, { signal: over.signal });
      if (mine !== turn) return;
      fill(note);
      draw(normal(data), etag);
    } catch (error) {
      if (mine !== turn && error.status !== undefined) return;
      if (error.status === 404) {
        player?.stop();
        player = null;
        heard = "";
        fill(root, h("h1", null, "Recording"), empty("There is no such recording.", "It may have been erased, or the address is incomplete."));
      } else if (head.parentNode === root) refused(note, error, open); // what is shown, and heard, stays
      else {
        refused(root, error, open);
        if (!over.signal.aborted) root.prepend(h("h1", null, "Recording"));
      }
    }
  }

  /** Do not interrupt a listener: the player is made anew only when there is something else to play. */
  function draw(recording, etag) {
    const context = { recording, me, path, signal: over.signal };
    const story = h("section", { class: "card", "aria-label": "Timeline" });
    const sounds = JSON.stringify([recording.chunks.map((one) => [one.index, one.state, one.playable, one.sha256, one.durationSeconds]), recording.mediaPauses]);
    if (sounds !== heard) {
      player?.stop();
      player = me.may.listen ? playerOf(recording, query) : null;
      fill(sound, player?.node ?? h("section", { class: "card empty" }, h("p", { class: "strong" }, "Your role may see this recording, not hear it.")));
      heard = sounds;
    }
    fill(head, header(recording, me));
    fill(
      body,
      h(
        "div",
        { class: "columns" },
        h("div", null, tagsCard(context, etag, open), factsCard(recording), keptCard(context), proofCard(context)),
        h("div", null, filesCard(context), madeCard(context), pausesCard(recording, me), handOverCard(context), story),
      ),
      h("p", { class: "printed" }, "Printed ", whenWithin(new Date().toISOString()), ` from ${location.origin}. Recording ${recording.recordingId}.`),
    );
    if (head.parentNode !== root) fill(root, head, note, sound, body);
    load(story, 4, async () => storyOf((await call(`${path}/timeline`, { signal: over.signal })).data, id));
  }

  const changed = (event) => {
    if (event.data?.changed === id) open();
  };
  otherTabs.addEventListener("message", changed);
  const stop = () => {
    over.abort();
    otherTabs.removeEventListener("message", changed);
    player?.stop();
  };
  stop.moved = (at) => {
    const time = secondsOf(at.query.get("t"));
    if (time !== null) player?.seek(time);
    return true;
  };
  return stop;
}

/** Return the recording with its facts at the top level, whichever of the two said them. */
function normal(data) {
  const facts = data.facts ?? {};
  const chunks = (data.chunks ?? []).map((chunk) => ({ ...chunk, durationSeconds: chunk.durationSeconds ?? (chunk.durationMs === undefined || chunk.durationMs === null ? null : chunk.durationMs / 1000), sizeBytes: chunk.sizeBytes ?? chunk.lengthBytes ?? null, channels: chunk.channels ?? facts.audioChannels ?? 1 }));
  return { ...facts, ...data, tags: data.tags ?? facts.tags ?? {}, participants: data.participants ?? facts.participants ?? [], consent: data.consent ?? facts.consent ?? null, startedAt: data.startedAt ?? facts.startedAt ?? null, states: facts.states ?? data.states ?? [], chunks };
}

function header(recording, me) {
  const states = recording.states.length ? recording.states : [recording.state];
  const [tag] = Object.entries(recording.tags);
  return h(
    "header",
    { class: "title" },
    h("p", { class: "quiet crumbs" }, h("a", { href: "#/search", onclick: (event) => { if (history.length > 1) { event.preventDefault(); history.back(); } } }, "← Back")),
    h("div", { class: "row between" }, h("h1", null, when(recording.startedAt), tag ? [" · ", h("span", { class: "quiet", dir: "auto" }, tag[0]), " ", h("bdi", null, tag[1])] : null), h("div", { class: "row" }, states.filter(Boolean).map(badge), recording.holds?.length ? h("span", { class: "badge quiet" }, icon("lock"), "On hold") : null, h("button", { type: "button", class: "button small screen-only", onclick: () => print() }, icon("print"), "Print"))),
    warnings(recording, me),
  );
}

function warnings(recording, me) {
  const open = recording.chunks.filter((chunk) => !isArchived(chunk.state));
  const missing = recording.missing ?? recording.missingIndexes ?? [];
  const said = [
    ...open.map((chunk) => [`Chunk ${chunk.index} is ${plain(String(chunk.state).toLowerCase())}`, chunk.lastError ? `: ${plain(chunk.lastError)}` : "", faultWords(chunk.fault) && ` (${faultWords(chunk.fault)})`, ". ", chunk.timeLeftSeconds > 0 ? `${left(chunk.timeLeftSeconds)} in ACS. ` : "", chunk.nextAttemptAt ? ["Next try ", whenWithin(chunk.nextAttemptAt), ". "] : ""]),
    ...(recording.unreadable ?? []).map((row) => [`The row of ${row.index === null ? "a chunk" : `chunk ${row.index}`} cannot be read (${plain(row.code)}): nothing else is known of it here.`]),
    ...(missing.length ? [[missing.length === 1 ? `Chunk ${missing[0]} was not announced.` : `Chunks ${missing.slice(0, 10).join(", ")}${missing.length > 10 ? " and others" : ""} were not announced.`]] : []),
  ];
  return said.length ? h("div", { class: "card heed", role: "note" }, h("ul", null, said.map((line) => h("li", null, line))), me.may.operate && open.length ? h("a", { href: "#/held", class: "screen-only" }, "Decide") : null) : null;
}

function factsCard(recording) {
  const people = recording.participants.map((one, at) => h("li", null, h("a", { href: `#/search?${new URLSearchParams({ range: "any", person: one.key })}` }, h("bdi", null, participantName(one, at))), one.channels?.length ? h("span", { class: "quiet" }, ` channel ${one.channels.join(", ")}`) : null));
  const length = recording.durationMs ? recording.durationMs / 1000 : recording.chunks.reduce((sum, chunk) => sum + (chunk.durationSeconds ?? 0), 0);
  return h(
    "section",
    { class: "card", "aria-label": "Facts" },
    h("h2", null, "Facts"),
    h(
      "dl",
      { class: "facts" },
      fact("Started", when(recording.startedAt, true)),
      fact("Length", length ? clock(length) : null),
      fact("Paused", recording.pauseCount ? `${counted(recording.pauseCount, "time")}, ${clock((recording.pausedMs ?? 0) / 1000)}` : null),
      fact("Who", people.length ? h("ul", { class: "bare" }, people) : null),
      fact("Media", [recording.content, recording.channel, recording.formats?.join(", ")].filter(Boolean).map(plain).join(", ") || null),
      fact("Stored", recording.lengthBytes ? size(recording.lengthBytes) : null),
      fact("Started by", recording.startedBy ? h("bdi", null, recording.startedBy) : null),
      fact("Ended", recording.sessionEndReason ? plain(recording.sessionEndReason) : null),
      fact("Recording", identifier(recording.recordingId, "Recording id")),
      fact("Call", recording.callId ? identifier(recording.callId, "Call id") : null),
    ),
    consentOf(recording),
  );
}

function consentOf({ consent, consents }) {
  const steps = consents?.steps ?? [];
  if (!consent && !steps.length) return null;
  const isOver = consents?.state === "withdrawn";
  return [h("h3", null, "Consent", consents && [" ", h("span", { class: isOver ? "problem" : "quiet" }, plain(consents.state))]), evidenceOf(consent), steps.map((step) => evidenceOf(step))];
}

function evidenceOf(evidence) {
  const entries = Object.entries(evidence ?? {}).filter(([, value]) => value !== null && typeof value !== "object");
  return h("dl", { class: "facts" }, entries.map(([name, value]) => fact(plain(name.replace(/([A-Z])/g, "_$1").toLowerCase()), /(^a|A)t$/.test(name) ? when(value, true) : h("bdi", null, String(value)))));
}

function proofCard({ recording, path, signal }) {
  const verdict = h("div", { role: "status" });
  const archived = recording.chunks.filter((chunk) => isArchived(chunk.state));
  const button = h("button", { type: "button", class: "button screen-only", onclick: () => busy(button, verify) }, icon("check"), "Verify now");

  async function verify() {
    fill(verdict, h("p", { class: "quiet" }, "Reading the archive and comparing …"));
    try {
      fill(verdict, verdictOf(await inParts((found) => fill(verdict, h("p", { class: "quiet" }, `Read ${found.next} of ${found.files} files …`)))));
    } catch (error) {
      refused(verdict, error);
    }
  }

  /** A long recording takes longer than one request may: some files at a time, and the verdict is of all of them. */
  async function inParts(progress) {
    let all = await post(`${path}/verify`, {}, signal);
    while (all.next !== null) {
      progress(all);
      const part = await post(`${path}/verify`, { first: all.next }, signal);
      if (part.files !== all.files || part.first !== all.next) return { ...all, proved: false, differences: ["its files changed meanwhile; verify again"] };
      const both = (name) => [...new Set([...all[name], ...part[name]])];
      all = { ...part, readWhole: all.readWhole + part.readWhole, differences: both("differences"), unread: both("unread") };
      all.proved = all.next === null && !all.differences.length && !all.unread.length && all.readWhole === all.chunks - all.disposed && all.chunks > all.disposed;
    }
    return all;
  }

  return h("section", { class: "card", "aria-label": "Proof" }, h("h2", null, "Proof"), provedOf(archived), archived.length ? button : null, verdict);
}

/** Return what was proved when the chunks were archived: what their receipts say, and nothing more. */
function provedOf(archived) {
  if (!archived.length) return h("p", null, "Nothing of it is archived yet.");
  const said = [...new Set(archived.flatMap((chunk) => chunk.verifiedHow ?? []))];
  if (!said.length) return h("p", null, `${counted(archived.length, "chunk")} archived.`);
  return [h("p", null, `Proved of ${counted(archived.length, "chunk")}:`), h("ul", { class: "proofs" }, said.map((line) => h("li", null, h("bdi", null, line))))];
}

function verdictOf(found) {
  if (found.proved) return h("p", { class: "verdict-line good" }, icon("check"), ` Proven ${moment(new Date().toISOString(), true, true)}: ${counted(found.readWhole, "chunk")} read whole, nothing differs.`);
  if (found.next === null && found.chunks && found.chunks === found.disposed && !found.differences.length && !found.unread.length) return h("p", { class: "verdict-line" }, `Destroyed: ${counted(found.chunks, "chunk")}, with a certificate; nothing is left to prove.`);
  const lines = [...(found.differences ?? []), ...(found.unread ?? []).map((one) => `not read: ${one}`)];
  return h("div", { class: "verdict-line bad" }, h("p", { class: "strong" }, `Not proven: ${found.readWhole} of ${found.chunks} read whole.`), h("ul", null, lines.map((line) => h("li", null, h("bdi", null, plain(line))))));
}

/** Pauses that were asked for here, with why and how each ended; what the files' own metadata tells; for those who have no player, also joints and gaps. */
function pausesCard(recording, me) {
  const [asked, findings] = [recording.pauses ?? [], recording.pauseFindings ?? []];
  const notes = me.may.listen ? [] : notesOf(lineOf(recording.chunks, recording.mediaPauses ?? [], isPlayable));
  if (!asked.length && !findings.length && !notes.length) return null;
  const length = (one) => (one.endedAt ? clock((new Date(one.endedAt) - new Date(one.at)) / 1000) : "not ended");
  return h(
    "section",
    { class: "card", "aria-label": "Pauses and gaps" },
    h("h2", null, "Pauses and gaps"),
    notes.length ? h("ul", { class: "bare" }, notes.map(([at, text, since]) => h("li", null, h("span", { class: "strong" }, clock(at)), " ", text, since ? [" at ", whenWithin(since, true)] : ""))) : null,
    asked.length ? h("ul", { class: "bare" }, asked.map((one) => h("li", null, when(one.at, true), h("span", { class: "strong" }, ` ${length(one)}`), one.reason ? [" for ", h("bdi", null, one.reason)] : null, one.how ? h("span", { class: "quiet" }, `, ended: ${plain(one.how)}`) : null))) : h("p", { class: "quiet" }, "No pause was requested here."),
    findings.length ? h("div", { class: "verdict-line bad" }, h("p", { class: "strong" }, "The files report otherwise:"), h("ul", null, findings.map((one) => h("li", null, plain(one.what), " at ", whenWithin(one.at, true), one.seconds ? `, ${clock(one.seconds)}` : "")))) : null,
  );
}

function handOverCard({ recording, me, path, signal }) {
  if (!me.may.export && !me.may.erase) return null;
  const said = h("div", { role: "status" });
  const about = new URLSearchParams({ recording: recording.recordingId });

  async function vcon() {
    try {
      const { data } = await call(`${path}/vcon`, { signal, headers: { Accept: "application/vcon+json" } });
      save(new Blob([`${JSON.stringify(data, null, 2)}\n`], { type: "application/vcon+json" }), `recording ${recording.recordingId.slice(-10)}.vcon.json`);
    } catch (error) {
      refused(said, error);
    }
  }

  return h(
    "section",
    { class: "card screen-only", "aria-label": "Hand over" },
    h("h2", null, "Hand over and erase"),
    h("div", { class: "row" }, me.may.export && h("a", { class: "button small", href: `#/requests?${about}` }, icon("requests"), "Bundle …"), me.may.export && h("button", { type: "button", class: "button small", onclick: vcon }, icon("down"), "vCon"), me.may.erase && h("a", { class: "button small danger", href: `#/requests?${about}` }, "Ask for erasure …")),
    said,
  );
}

function tagsCard({ recording, me, path, signal }, etag, reopen) {
  const card = h("section", { class: "card tags-card", "aria-label": "Tags" });
  let current = { tags: recording.tags, etag };
  const said = h("p", { class: "quiet", role: "status" });

  async function change(tags) {
    try {
      const { data, etag: next } = await call(path, { method: "PATCH", body: { tags }, etag: current.etag ?? "*", signal });
      current = { tags: data.tags, etag: next ?? data.etag };
      otherTabs.postMessage({ changed: recording.recordingId });
      draw();
      fill(said, "Saved.");
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === undefined) throw error;
      fill(said, h("span", { class: "problem" }, error.status === 412 ? "The tags were changed meanwhile; these are the new ones. Try again." : error.message));
      if (error.status === 412) refresh();
    }
  }

  async function refresh() {
    try {
      const { data, etag: next } = await call(path, { signal });
      current = { tags: normal(data).tags, etag: next };
      draw();
    } catch (error) {
      refused(said, error);
    }
  }

  function draw() {
    const entries = Object.entries(current.tags);
    const name = h("input", { name: "tag-name", required: true, maxlength: "256", dir: "auto", "aria-label": "Tag name", placeholder: "name", autocomplete: "off" });
    const value = h("input", { name: "tag-value", maxlength: "256", dir: "auto", "aria-label": "Tag value", placeholder: "value", autocomplete: "off" });
    fill(
      card,
      h("h2", null, "Tags"),
      entries.length
        ? h("ul", { class: "chips" }, entries.map(([key, text]) => h("li", { class: "chip" }, h("a", { href: `#/search?${new URLSearchParams({ range: "any", tag: `${key}:${text}` })}` }, h("span", { class: "quiet", dir: "auto" }, key), " ", h("bdi", null, text)), me.may.control && h("button", { type: "button", "aria-label": `Remove tag ${key}`, onclick: () => change({ [key]: null }) }, icon("cross")))))
        : h("p", { class: "quiet" }, "No tags."),
      me.may.control && h("form", { class: "row screen-only", onsubmit: (event) => { event.preventDefault(); change({ [name.value.trim()]: value.value.trim() }); } }, name, value, h("button", { class: "button small" }, "Add tag")),
      said,
    );
  }

  draw();
  return card;
}

function storyOf(data, id) {
  const moments = data?.moments ?? [];
  const head = h("div", { class: "row between" }, h("h2", null, "Timeline"), h("a", { class: "screen-only", href: `#/audit?${new URLSearchParams({ recording: id })}` }, "Who did what"));
  const unread = (data?.unreadable ?? []).map((row) => h("li", null, "Not read: row ", h("bdi", null, row.key), ` of the table ${row.table} (${plain(row.code)})`));
  const lacking = unread.length ? h("div", { class: "verdict-line bad" }, h("p", { class: "strong" }, "This timeline is not whole:"), h("ul", null, unread)) : null;
  if (!moments.length) return [head, lacking ?? empty("Nothing is known yet.")];
  return [head, lacking, h("ol", { class: "story" }, moments.map(momentOf))];
}

function momentOf(one) {
  const [what, ...more] = plain(one.what).split(": ");
  return h(
    "li",
    { class: `is-${one.kind}` },
    h("span", { class: "at" }, when(one.at, true)),
    h("span", null, h("span", { class: "strong" }, what), one.index === null || one.index === undefined ? "" : ` · chunk ${one.index}`, more.length ? h("span", { class: "more" }, more.join(": ")) : null, one.who ? h("bdi", { class: "more" }, `by ${one.who}`) : null),
  );
}

