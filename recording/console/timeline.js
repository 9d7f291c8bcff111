/** One timeline out of many chunks: where each begins, what is missing between them, and where it is silent. Pure. */

import { spoken } from "./format.js";

const JOINT = 0.75; // seconds: what is shorter is how the recorder cuts, not a gap
const UNKNOWN_GAP = 5; // seconds that a missing chunk of unknown length takes on the timeline
const SILENT = 8; // of 255
const LONG_SILENCE = 1.2; // seconds; shorter ones are how people talk
const LEAD = 0.25; // seconds of silence that are kept before speech

/**
 * Lay the chunks of a recording on one line of played seconds. Paused time is cut out of files, so it takes no room.
 * @param {any[]} chunks as the server gives them
 * @param {any[]} pauses
 * @param {(chunk: any) => boolean} isPlayable
 */
export function lineOf(chunks, pauses, isPlayable) {
  const sorted = oneOfEach(chunks, isPlayable);
  const parts = [];
  const gaps = [];
  const marks = [];
  let at = 0;
  let last = null;
  for (const chunk of sorted) {
    const missing = last ? range(last.index + 1, chunk.index) : range(0, chunk.index);
    const between = last ? secondsBetween(last, chunk, pauses) : null;
    if (missing.length || (between !== null && between > JOINT)) {
      const length = between !== null && between > 0 ? between : UNKNOWN_GAP * Math.max(1, missing.length);
      gaps.push({ start: at, length, missing });
      at += length;
    } else if (last) marks.push(between < -JOINT ? { at, kind: "overlap", index: chunk.index, seconds: -between } : { at, kind: "joint", index: chunk.index });
    const length = chunk.durationSeconds ?? 0;
    if (isPlayable(chunk)) parts.push({ chunk, start: at, length });
    else gaps.push({ start: at, length: length || UNKNOWN_GAP, missing: [chunk.index], state: chunk.state });
    for (const pause of pauses.filter((one) => one.index === chunk.index)) {
      if (pause.atSeconds !== null && pause.atSeconds !== undefined) marks.push({ at: at + pause.atSeconds, kind: "pause", seconds: pause.durationSeconds, startedAt: pause.startedAt });
    }
    at += length || (isPlayable(chunk) ? 0 : UNKNOWN_GAP);
    last = chunk;
  }
  return { parts, gaps, marks: marks.sort((a, b) => a.at - b.at), length: at };
}

/** Of several files with one index, one is the recording; the others are held or lost, and no part of the line. */
function oneOfEach(chunks, isPlayable) {
  const found = new Map();
  for (const chunk of chunks) if (!found.has(chunk.index) || (isPlayable(chunk) && !isPlayable(found.get(chunk.index)))) found.set(chunk.index, chunk);
  return [...found.values()].sort((a, b) => a.index - b.index);
}

function range(first, end) {
  return Array.from({ length: Math.max(0, end - first) }, (_, n) => first + n);
}

function secondsBetween(last, chunk, pauses) {
  if (!last.startsAt || !chunk.startsAt || !last.durationSeconds) return null;
  const paused = last.pausedSeconds ?? pauses.filter((one) => one.index === last.index).reduce((sum, one) => sum + (one.durationSeconds ?? 0), 0);
  return (new Date(chunk.startsAt) - new Date(last.startsAt)) / 1000 - last.durationSeconds - paused;
}

/** Return the part that plays at a time, or the first one behind it; the last one at the end. */
export function partAt(line, time) {
  return line.parts.find((part) => time < part.start + part.length) ?? line.parts.at(-1) ?? null;
}

/**
 * Return the silent stretches of a chunk, in seconds of its file.
 * @param {{ bucketSeconds: number, channels: { peaks: number[] }[] }} peaks
 * @param {(channel: number) => boolean} isHeard
 */
export function silences(peaks, isHeard = () => true) {
  const heard = peaks.channels.filter((_, channel) => isHeard(channel));
  const buckets = Math.max(0, ...heard.map((channel) => channel.peaks.length));
  const found = [];
  let since = -1;
  for (let at = 0; at <= buckets; at += 1) {
    const isSilent = at < buckets && heard.every((channel) => (channel.peaks[at] ?? 0) <= SILENT);
    if (isSilent && since < 0) since = at;
    if (!isSilent && since >= 0) {
      const [start, end] = [since * peaks.bucketSeconds, at * peaks.bucketSeconds];
      if (end - start >= LONG_SILENCE) found.push({ start: start + LEAD, end: end - LEAD });
      since = -1;
    }
  }
  return found;
}

/** A gap may be of one file, or of a million: then its ends say enough. */
const notThere = (missing) => (missing.length === 1 ? `Chunk ${missing[0]} is not in the archive` : `Chunks ${missing[0]} to ${missing.at(-1)} are not in the archive`);

/** Return what happened on the line, in words: the second, the text, and for a pause the time of day. */
export function notesOf(line) {
  const words = {
    pause: (mark) => `Paused for ${spoken(mark.seconds ?? 0)}`,
    joint: (mark) => `Chunk ${mark.index} begins`,
    overlap: (mark) => `Chunk ${mark.index} begins ${spoken(mark.seconds)} before the one before it ends`,
  };
  const gaps = line.gaps.map((gap) => [gap.start, gap.missing.length ? notThere(gap.missing) : `Nothing was recorded for ${spoken(gap.length)}`]);
  return [...line.marks.map((mark) => [mark.at, words[mark.kind](mark), mark.startedAt]), ...gaps].sort((a, b) => a[0] - b[0]);
}
