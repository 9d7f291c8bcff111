/** Search: when, who, what. Numbers and ids of people go in the body of a request and never into an address. */

import { call, post } from "./api.js";
import { busy, fill, h, icon, save, say } from "./dom.js";
import { clock, counted, forInput, midnight, numberIn, size, when, zone } from "./format.js";
import { empty, loading, tags, trouble } from "./parts.js";
import { badge, participantName, plain } from "./words.js";

const PAGE = 50;
const EMPTY_PAGES = 20; // that are passed over: a request does a bounded amount of work, and may find nothing in it
const DAY = 86_400_000;
const RANGES = { today: "Today", yesterday: "Yesterday", week: "Last 7 days", month: "Last 30 days", any: "Any time", own: "From … to …" };
const STATES = ["archived", "recording", "at_risk", "held", "missing", "incomplete"];
/** What may stand in the address: nothing here names a person. `person` is a keyed hash that an answer gave. */
const IN_ADDRESS = ["range", "from", "to", "person", "call", "tag", "format", "state"];
/** The last search, in the memory of this page only: a number that was typed stands in no address and in no store. */
const last = { address: "", who: "", opened: "" };

/** Show the screen. */
export function showSearch(root, { query }) {
  const state = { asked: {}, next: null, rows: 0, abort: new AbortController(), shown: query.toString() };
  const results = h("div", { class: "results" });
  const said = h("p", { class: "quiet count", role: "status" });
  const form = formOf(query, location.hash === last.address ? last.who : "", submit);
  const more = h("div", { class: "row" });
  fill(root, h("h1", null, "Search"), form.node, h("div", { class: "row between" }, said, form.csv(downloadPage)), results, more);

  function submit() {
    const wanted = form.read();
    const kept = new URLSearchParams(IN_ADDRESS.filter((name) => wanted[name]).map((name) => [name, wanted[name]]));
    state.shown = kept.toString();
    history.replaceState(null, "", `#/search?${kept}`);
    last.opened = "";
    search(wanted);
  }

  async function search(wanted) {
    Object.assign(last, { address: location.hash, who: wanted.who });
    state.abort.abort();
    state.abort = new AbortController();
    state.asked = filters(wanted);
    Object.assign(state, { next: null, rows: 0 });
    fill(said, "Searching …");
    fill(results, loading(6));
    fill(more);
    await page((found) => {
      if (!found.recordings.length) return fill(results, found.next ? empty("No recording so far.", "There is more to look through.") : empty("No recording matches.", hint(wanted)));
      const body = h("tbody", null, found.recordings.map(rowOf));
      fill(results, table(body));
      return comeBack(body);
    });
  }

  async function page(draw) {
    const { signal } = state.abort;
    try {
      const asked = () => ({ ...state.asked, limit: PAGE, ...(state.next ? { next: state.next } : {}) });
      let found = await post("recordings/search", asked(), signal);
      for (let tries = 0; !found.recordings.length && found.next && tries < EMPTY_PAGES; tries += 1) {
        state.next = found.next;
        found = await post("recordings/search", asked(), signal);
      }
      state.rows += found.recordings.length;
      state.next = found.next ?? null;
      draw(found);
      const text = `${counted(state.rows, "recording")}${state.next ? ", and there are more" : ""}${found.unreadable?.length ? `; ${found.unreadable.length} could not be read` : ""}`;
      fill(said, text);
      fill(more, state.next && h("button", { type: "button", class: "button", onclick: goOn }, "Show more"));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === undefined) throw error;
      if (state.rows) return fill(more, trouble(error, goOn)); // what is shown stays
      fill(said);
      fill(results, trouble(error, () => search(form.read())));
    }
  }

  function goOn(event) {
    busy(event.currentTarget, () =>
      page((found) => {
        const rows = found.recordings.map(rowOf);
        const body = results.querySelector("tbody");
        if (body) body.append(...rows);
        else if (rows.length) fill(results, table(h("tbody", null, rows)));
        rows[0]?.querySelector("a")?.focus();
      }),
    );
  }

  /** All rows that are shown, and no more; the server gives at most two hundred at once. */
  async function downloadPage() {
    const parts = [];
    const { signal } = state.abort; // ends the request when the user leaves, or asks for something else
    let next = null;
    let rest = Math.max(state.rows, 1);
    try {
      do {
        const body = { ...state.asked, limit: Math.min(rest, 200), ...(next ? { next } : {}) };
        const { response } = await call("recordings/csv", { method: "POST", body, headers: { Accept: "text/csv" }, signal });
        const text = await response.text();
        parts.push(parts.length ? text.slice(text.indexOf("\n") + 1) : `\ufeff${text}`);
        rest -= Number(response.headers.get("X-Recordings-Count"));
        next = response.headers.get("X-Recordings-Next");
      } while (next && rest > 0);
      save(new Blob(parts, { type: "text/csv" }), `recordings ${forInput(new Date()).replace(":", "-").replace("T", " ")}.csv`);
      say("CSV saved");
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === undefined) throw error;
      fill(said, h("span", { class: "problem" }, error.message));
    }
  }

  search(form.read());
  const stop = () => state.abort.abort();
  stop.moved = (at) => at.query.toString() === state.shown;
  return stop;
}

/** On the way back from a recording the focus is on its row. */
function comeBack(body) {
  const row = [...body.querySelectorAll("a.open")].find((one) => one.hash === last.opened);
  if (row && [document.body, document.getElementById("main")].includes(document.activeElement)) row.focus();
}

function formOf(query, typed, submit) {
  const range = query.get("range") ?? (query.get("from") || query.get("to") ? "own" : "today");
  const who = h("input", { id: "who", type: "search", autocomplete: "off", spellcheck: "false", dir: "auto", value: typed, placeholder: "0170 1234567, +49 …, or an id", "aria-describedby": "who-note" });
  const times = h("select", { id: "range" }, Object.entries(RANGES).map(([value, text]) => h("option", { value }, text)));
  times.value = RANGES[range] ? range : "today";
  const from = h("input", { type: "datetime-local", id: "from", value: inputTime(query.get("from")) || forInput(midnight(Date.now())) });
  const to = h("input", { type: "datetime-local", id: "to", value: inputTime(query.get("to")) });
  const tag = h("input", { id: "tag", dir: "auto", autocomplete: "off", placeholder: "order:1042", value: query.get("tag") ?? "" });
  const callId = h("input", { id: "call", autocomplete: "off", spellcheck: "false", value: query.get("call") ?? "" });
  const format = select("format", query, ["mp3", "wav", "mp4"]);
  const stateOf = select("state", query, STATES);
  let person = query.get("person");
  const chip = h("span", { class: "chip" });
  const own = h("div", { class: "own", hidden: times.value !== "own" }, field("From", from), field("To", to), h("p", { class: "quiet" }, `Local time, ${zone()}`));
  const details = h("details", { open: Boolean(tag.value || callId.value || format.value || stateOf.value) }, h("summary", null, "More filters"), h("div", { class: "fields" }, field("Tag (name:value)", tag), field("Call id", callId), field("Format", format), field("State", stateOf)));

  const showPerson = () => fill(chip, person && [icon("person"), participantName({ key: person, isNumber: false }), h("button", { type: "button", "aria-label": "Search for everybody", onclick: () => { person = null; showPerson(); submit(); } }, icon("cross"))]);
  showPerson();
  times.addEventListener("change", () => {
    own.hidden = times.value !== "own";
    if (times.value !== "own") submit();
  });
  for (const one of [format, stateOf]) one.addEventListener("change", submit);
  const node = h(
    "form",
    { class: "card searching", role: "search", onsubmit: (event) => { event.preventDefault(); submit(); } },
    h("div", { class: "fields first" }, h("div", { class: "field wide" }, h("label", { for: "who" }, "Who"), who, h("span", { class: "unseen", id: "who-note" }, "A number in any spelling, its last seven digits, or a participant's id. It does not go into the address.")), field("When", times), h("button", { class: "button primary" }, icon("search"), "Search")),
    person && chip,
    own,
    details,
  );
  return {
    node,
    csv: (click) => h("button", { type: "button", class: "button small", onclick: (event) => busy(event.currentTarget, click) }, icon("down"), "CSV"),
    read: () => ({
      who: who.value.trim(),
      range: times.value,
      from: times.value === "own" ? isoTime(from.value, query.get("from")) : null,
      to: times.value === "own" ? isoTime(to.value, query.get("to")) : null,
      person,
      tag: tag.value.trim(),
      call: callId.value.trim(),
      format: format.value,
      state: stateOf.value,
    }),
  };
}

const field = (label, control) => h("div", { class: "field" }, h("label", { for: control.id }, label), control);
/** The time that was typed; the one of the address as it is, for an hour that the clock shows twice has two of them. */
const isoTime = (text, told) => (text ? new Date(text === inputTime(told) ? told : text).toISOString() : null);
const inputTime = (text) => (text && !Number.isNaN(Date.parse(text)) ? forInput(new Date(text)) : "");

function select(id, query, values) {
  const made = h("select", { id }, h("option", { value: "" }, "any"), values.map((value) => h("option", { value }, plain(value))));
  made.value = values.includes(query.get(id)) ? query.get(id) : "";
  return made;
}

/** Return the body of the request: `who` becomes a number where it looks like one. */
function filters(wanted) {
  const [from, to] = span(wanted);
  const number = numberIn(wanted.who);
  const body = {
    number,
    participant: wanted.who && !number ? wanted.who : wanted.person,
    from,
    to,
    tag: wanted.tag,
    call: wanted.call,
    format: wanted.format,
    state: wanted.state,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value));
}

function span(wanted) {
  const today = midnight(Date.now());
  const back = (days) => midnight(today.getTime() - days * DAY + DAY / 2).toISOString();
  if (wanted.range === "today") return [today.toISOString(), null];
  if (wanted.range === "yesterday") return [back(1), today.toISOString()];
  if (wanted.range === "week") return [back(6), null];
  if (wanted.range === "month") return [back(29), null];
  return wanted.range === "own" ? [wanted.from, wanted.to] : [null, null];
}

function hint(wanted) {
  if (wanted.range !== "any") return "Try a longer time, or fewer filters. A recording without files is found by its state “missing”.";
  return "Try fewer filters, or the last seven digits of the number.";
}

function table(body) {
  const heads = ["Started", "Who", "Length", "Tags", "Files", "State"];
  const made = h("table", { class: "list" }, h("caption", { class: "unseen" }, "Recordings, the newest first"), h("thead", null, h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)))), body);
  made.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (!step) return;
    const links = [...body.querySelectorAll("a.open")];
    const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector("a.open"));
    links[at + step]?.focus();
    event.preventDefault();
  });
  return made;
}

function rowOf(one) {
  const people = one.participants ?? [];
  const states = one.states?.length ? one.states : ["recording"];
  return h(
    "tr",
    { class: one.holds?.length ? "locked" : null },
    h("td", null, h("a", { class: "open", href: `#/recording/${encodeURIComponent(one.recordingId)}`, onclick: (event) => { last.opened = event.currentTarget.hash; } }, when(one.startedAt)), one.holds?.length ? h("span", { title: "kept by a hold" }, icon("lock")) : null),
    h("td", null, people.length ? h("span", { class: "people" }, people.map((person, at) => [at ? " ↔ " : "", h("a", { href: `#/search?${new URLSearchParams({ range: "any", person: person.key })}`, title: "all recordings of this participant" }, h("bdi", null, participantName(person, at)))])) : h("span", { class: "quiet" }, "–")),
    h("td", { class: "number" }, clock(one.durationMs === null || one.durationMs === undefined ? null : one.durationMs / 1000)),
    h("td", null, tags(one.tags)),
    h("td", null, h("span", { class: "quiet" }, [one.formats?.join(", "), one.chunkCount > 1 ? `${one.archivedCount} of ${one.chunkCount}` : null, one.lengthBytes ? size(one.lengthBytes) : null].filter(Boolean).join(" · ") || "–")),
    h("td", null, states.map(badge)),
  );
}
