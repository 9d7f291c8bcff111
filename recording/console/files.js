/** Files of a recording: the chunks as they were archived, and those that are made of them, to hear and to keep. */

import { address, call, ofChunk, post, tabs, whole } from "./api.js";
import { busy, fill, h, icon, save } from "./dom.js";
import { clock, counted, size, when, whenWithin } from "./format.js";
import { empty, fact, identifier, refused } from "./parts.js";
import { badge, isArchived, plain } from "./words.js";

const LARGEST_DIGEST = 256_000_000; // bytes that are read into memory to be compared with the catalog's SHA-256
const EVERY = 5_000;
const KINDS = { joined: "One file of all", speakers: "One for each speaker" };

/** Return the card of the archived files. */
export function filesCard(context) {
  const { recording } = context;
  return h("section", { class: "card", "aria-label": "Files" }, h("h2", null, "Files"), recording.chunks.length ? h("ul", { class: "files" }, recording.chunks.map((chunk) => fileOf(chunk, context))) : empty("No file was announced yet."));
}

function fileOf(chunk, context) {
  const { recording, me, path, signal } = context;
  const progress = h("span", { class: "quiet", role: "status" });
  const canLoad = me.may.listen && isArchived(chunk.state) && chunk.playable !== false;
  const what = `chunk ${chunk.index}`;

  /** A link to storage works for minutes, for any holder; so it is made when it is needed, and never shown. */
  async function byLink() {
    try {
      const made = await post(`${path}/chunks/${chunk.index}/link`, {}, signal);
      if (!/^https:\/\//.test(made.url)) throw new TypeError("the link is none");
      h("a", { href: made.url, download: made.fileName, rel: "noreferrer", target: "_blank" }).click();
      fill(progress, "The link opens until ", whenWithin(made.expiresAt, true), ".");
    } catch (error) {
      refused(progress, error);
    }
  }

  return h(
    "li",
    null,
    h("div", { class: "row between" }, h("span", null, h("span", { class: "strong" }, `Chunk ${chunk.index}`), " ", h("span", { class: "quiet" }, [chunk.format, chunk.durationSeconds ? clock(chunk.durationSeconds) : null, chunk.sizeBytes ? size(chunk.sizeBytes) : null, chunk.channels > 1 ? counted(chunk.channels, "channel") : null].filter(Boolean).join(" · "))), badge(chunk.state)),
    h("dl", { class: "facts" }, fact("Begins", chunk.startsAt ? when(chunk.startsAt, true) : null), fact("SHA-256", chunk.sha256 ? identifier(chunk.sha256, "SHA-256") : null), fact("Blob", chunk.blobName ? identifier(chunk.blobName, "Blob name") : null), fact("Last error", chunk.lastError && !isArchived(chunk.state) ? plain(chunk.lastError) : null)),
    canLoad && h("div", { class: "row screen-only" }, download(what, ofChunk(recording.recordingId, chunk.index, "media"), chunk.sha256, nameFor(recording, chunk.index, chunk.format), progress, signal), me.may.link && h("button", { type: "button", class: "button small", onclick: (event) => busy(event.currentTarget, byLink), "aria-label": `Download ${what} by a link to storage` }, icon("link"), "From storage"), progress),
  );
}

/** Return a button that fetches a file in parts, compares its digest and saves it. */
function download(what, url, digest, name, progress, signal) {
  async function take() {
    progress.classList.remove("problem");
    try {
      const blob = await whole(url, (done, total) => fill(progress, `${size(done)} of ${size(total)}`), signal);
      const found = digest && blob.size <= LARGEST_DIGEST ? await sha256(blob) : null;
      const differs = found !== null && found !== digest;
      progress.classList.toggle("problem", differs);
      save(blob, differs ? `${name}.differs` : name); // as `recordings get` does: the wrong bytes get no good name
      const verdict = differs ? ", SHA-256 DIFFERS" : found ? ", SHA-256 matches" : digest ? ", too large to be compared here: recordings get does" : "";
      fill(progress, `Saved ${size(blob.size)}${verdict}`);
    } catch (error) {
      refused(progress, error);
    }
  }
  return h("button", { type: "button", class: "button small", onclick: (event) => busy(event.currentTarget, take), "aria-label": `Download ${what}` }, icon("down"), "Download");
}

async function sha256(blob) {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function nameFor(recording, which, format) {
  const time = recording.startedAt ? new Date(recording.startedAt) : new Date();
  const two = (n) => String(n).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}-${two(time.getMinutes())}`;
  const [tag] = Object.entries(recording.tags);
  const label = tag ? ` ${tag[0]}-${tag[1]}`.replace(/[^\p{L}\p{N} ._-]/gu, "_").slice(0, 60) : "";
  return `${day}${label} ${which}.${format ?? "bin"}`;
}

// --- what is made of them ---------------------------------------------------------------------------------------------

/** Return the card of the derived files, which fills itself and looks again while one is being made; null where none can be. */
export function madeCard(context) {
  const { recording, me, path, signal } = context;
  if (!recording.chunks.some((chunk) => isArchived(chunk.state) && chunk.playable !== false && chunk.format !== "mp4")) return null;
  const list = h("div");
  const said = h("div", { role: "status" });
  const isUnmixed = recording.chunks.some((chunk) => chunk.channels > 1);
  let shown = "";
  let timer = 0;

  async function look() {
    clearTimeout(timer); // one clock, however often a file is asked for
    try {
      const { data } = await call(`${path}/derived`, { signal });
      if (JSON.stringify(data.files) !== shown) draw(data.files);
      shown = JSON.stringify(data.files);
      if (data.files.some((one) => ["requested", "making"].includes(one.state))) {
        clearTimeout(timer);
        timer = setTimeout(() => list.isConnected && look(), EVERY);
      }
    } catch (error) {
      refused(list, error, look);
    }
  }

  const draw = (files) => fill(list, files.length ? h("ul", { class: "files" }, files.map((one) => madeFile(one, context))) : h("p", { class: "quiet" }, "None yet."));

  async function make(kind) {
    try {
      await post(`${path}/derived`, { kind }, signal);
      fill(said);
      look();
    } catch (error) {
      refused(said, error);
    }
  }

  const asking = Object.entries(KINDS).filter(([kind]) => (kind === "joined" ? recording.chunks.length > 1 : isUnmixed));
  if (!asking.length) return null;
  look();
  return h(
    "section",
    { class: "card", "aria-label": "Derived files" },
    h("h2", null, "Derived files"),
    list,
    me.may.listen && h("div", { class: "row screen-only" }, asking.map(([kind, text]) => h("button", { type: "button", class: "button small", onclick: (event) => busy(event.currentTarget, () => make(kind)) }, text))),
    said,
  );
}

function madeFile(one, { recording, me, path, signal }) {
  const progress = h("span", { class: "quiet", role: "status" });
  const name = one.channel === null || one.channel === undefined ? (one.kind === "joined" ? "All of it" : one.name) : speakerOf(recording, one);
  const url = address(`${path}/derived/${one.derivedId}/media`);
  const media = h("audio", { controls: true, preload: "none", "aria-label": name });
  const play = () => {
    media.src = url.href;
    button.replaceWith(media);
    media.focus();
    tabs.postMessage({ plays: one.derivedId });
    media.play().catch(() => {});
  };
  const button = h("button", { type: "button", class: "button small", onclick: play, "aria-label": `Play ${name}` }, icon("play"), "Play");
  const isMade = one.state === "made";
  return h(
    "li",
    null,
    h("div", { class: "row between" }, h("span", null, h("bdi", { class: "strong" }, name), " ", h("span", { class: "quiet" }, isMade ? [one.format, clock(one.durationMs / 1000), size(one.lengthBytes)].join(" · ") : "")), badge(one.state)),
    isMade && h("dl", { class: "facts" }, fact("Made", when(one.madeAt)), fact("SHA-256", identifier(one.sha256, "SHA-256")), one.complete === false ? fact("Lacks", "some chunks; its receipt names them") : null),
    one.error && h("p", { class: "problem" }, plain(one.error)),
    isMade && me.may.listen && h("div", { class: "row screen-only" }, button, download(name, url, one.sha256, nameFor(recording, name.replace(/[^\p{L}\p{N} _-]/gu, "_"), one.format), progress, signal), progress),
  );
}

function speakerOf(recording, one) {
  const chunk = /\.(\d{4})\./.exec(one.name)?.[1];
  return `Speaker ${one.channel + 1}${recording.chunks.length > 1 && chunk ? `, chunk ${Number(chunk)}` : ""}`;
}
