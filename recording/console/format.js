/** Times, lengths and words as people read them: local time, short where it can be. */

import { h } from "./dom.js";

const DAY = 86_400_000;
const formats = new Map();

function local(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(undefined, options));
  return formats.get(key);
}

/** Return the local midnight that a time falls behind. */
export function midnight(time) {
  const day = new Date(time);
  day.setHours(0, 0, 0, 0);
  return day;
}

// what people wrote as evidence may be anything
const isTime = (iso) => /^\d{4}-\d\d-\d\dT/.test(iso) && !Number.isNaN(Date.parse(iso));

/** Return a time of day and a day in words: "Today 14:05", "Fri 27 Nov 14:05"; within a sentence "today 14:05". */
export function moment(iso, seconds = false, within = false) {
  if (!iso) return "unknown";
  if (!isTime(iso)) return String(iso);
  const time = new Date(iso);
  const days = Math.round((midnight(Date.now()) - midnight(time)) / DAY);
  const clock = local({ hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}), hourCycle: "h23" }).format(time);
  if (days === 0) return `${within ? "today" : "Today"} ${clock}`;
  if (days === 1) return `${within ? "yesterday" : "Yesterday"} ${clock}`;
  const sameYear = time.getFullYear() === new Date().getFullYear();
  const day = local({ weekday: "short", day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) }).format(time);
  return `${day} ${clock}`;
}

/** Return a `<time>` whose title has the zone. */
export function when(iso, seconds = false, within = false) {
  if (!iso) return h("span", { class: "quiet" }, "unknown");
  if (!isTime(iso)) return h("bdi", null, String(iso));
  const full = local({ dateStyle: "full", timeStyle: "long" }).format(new Date(iso));
  const shown = moment(iso, seconds, within);
  const day = /^(today|yesterday)/i.test(shown) && local({ dateStyle: "full" }).format(new Date(iso)); // on paper no day is today
  return h("time", { datetime: iso, title: full, "data-day": day }, shown);
}

/** Return a `<time>` within a sentence. */
export function whenWithin(iso, seconds = false) {
  return when(iso, seconds, true);
}

/** Return the reader's zone, to be said where local times are asked for. */
export function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Return a time of day with seconds. */
export function plainTime(time) {
  return local({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(time);
}

/** Return a length as "4:05" or "1:02:03". */
export function clock(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const all = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Return a length as it is spoken: "4 minutes 5 seconds". */
export function spoken(seconds) {
  const all = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(all / 3600), "hour"],
    [Math.floor(all / 60) % 60, "minute"],
    [all % 60, "second"],
  ].filter(([n], at) => n || (at === 2 && all < 60));
  return parts.map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`).join(" ");
}

/** Return the time that is left, or how long ago it ran out. */
export function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0) return `over since ${rough(-seconds)}`;
  return `${rough(seconds)} left`;
}

/** Return a rough length: "28 min", "3 h 20 min", "2 days". */
export function rough(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  if (minutes < 36 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 1440)} days`;
}

/** Return how long ago a time was. */
export function ago(iso) {
  return iso ? `${rough(Math.max(0, (Date.now() - new Date(iso)) / 1000))} ago` : "never";
}

/** Return a number of bytes in decimal units. */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

/** Return a number with its thousands apart. */
export function count(n) {
  return n === null || n === undefined ? "–" : n.toLocaleString();
}

/** Return a number with its noun. */
export function counted(n, noun, plural = `${noun}s`) {
  return `${count(n)} ${n === 1 ? noun : plural}`;
}

/** Return the end of a long id, which is what differs. */
export function short(id) {
  return id && id.length > 16 ? `…${id.slice(-10)}` : (id ?? "");
}

/** Return a value for `<input type="datetime-local">`. */
export function forInput(time) {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** Return what was typed as a number to search for; null when it is none. Address books put marks around numbers that nobody sees. */
export function numberIn(text) {
  const bare = text.normalize("NFKC").replace(/\p{Cf}/gu, "").trim().replace(/^(?:tel:|callto:|sips?:|4:)/i, "");
  const isNumber = /^[+([]?[\p{Nd}\s()[\]./·•\u2010-\u2015\u2212-]+$/u.test(bare) && (bare.match(/\p{Nd}/gu) ?? []).length >= 7;
  return isNumber ? bare : null;
}

/** Read "83", "1:23" or "1:02:03" as seconds; null when it is none of them. */
export function secondsOf(text) {
  if (!text || !/^\d+(:\d{1,2}){0,2}(\.\d+)?$/.test(text)) return null;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}
