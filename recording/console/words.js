/** What the archive's states and reasons mean, and what to do: one sentence each, for people who are awake at night. */

import { h, icon } from "./dom.js";

/** How urgent a kind of attention is: `bad` is being lost, `warn` is not yet. */
export const KINDS = {
  __proto__: null,
  lost: ["bad", "Lost", "ACS's deadline passed before the file was archived.", "Retry at once: ACS may still have it. Then ask Microsoft support, and dismiss it with a note of the outcome."],
  at_risk: ["bad", "At risk", "Little time is left, and the file is in ACS only.", "Fix the cause, then retry."],
  reconcile_late: ["bad", "Reconcile late", "The timer that looks for overdue files has not run: the app may be down.", "See whether the Function app runs (Health)."],
  missing: ["bad", "Missing", "The recording is over, and none of its files was announced.", "Check Event Grid's subscriptions (Health); dismiss it with a note when there is no file."],
  incomplete: ["warn", "Incomplete", "Some files of the recording were announced, others were not.", "Check Event Grid's subscriptions (Health)."],
  pause_overdue: ["warn", "Pause overdue", "A pause should be over and was not ended.", "Resume or stop the recording, or tell the application that paused it."],
  consent_missing: ["warn", "No consent", "It was started elsewhere, without the consent that its policy asks for.", "Record the consent, or stop the recording."],
  endpoint_failing: ["warn", "Events fail", "A receiver of events takes nothing, or is sent nothing any more.", "Fix the receiver; then send again what it missed (runbook)."],
  fallback_in_use: ["warn", "In the fallback", "The archive refuses writes; the file is in the second destination.", "Restore the archive; the app then copies the file into it by itself."],
  stuck: ["warn", "Stuck", "It fails again and again; there is still time.", "Fix the cause, then retry."],
  held: ["warn", "Held", "It waits for a decision.", "Then decide, with a note."],
  unreadable: ["warn", "Unreadable row", "A stored row cannot be read by this version.", "See the runbook, recording.needs_attention."],
  poisoned: ["warn", "Poisoned", "The host gave up on a message.", "Nothing: the sweep takes it within minutes."],
  dead_letter: ["warn", "Dead letter", "Event Grid gave up on an event.", "Nothing: the sweep takes it within minutes."],
  seal_differs: ["bad", "Not as sealed", "The log of the seal or the audit trail is not as it was sealed, or was not compared.", "See the runbook, seal-differs: who changed it?"],
  scrub_behind: ["warn", "Scrub behind", "Some media was not read whole within its cycle.", "See whether the nightly scrub runs, and how long it takes."],
};

const FAULTS = { __proto__: null, operator: "yours to fix", acs: "on ACS's side", caller: "the caller's", nobody: "nobody's: time" };

/** What is lost to its owner, or is about to be. */
export const LOSSES = new Set(["lost", "at_risk", "missing"]);

// the code says why it is so; what to do follows from the kind
const KIND_ALONE = new Set(["lost", "poisoned", "dead_letter"]);

/** Return what to do about an item: what its code says, then what its kind asks for. */
export function adviceOn(item) {
  const advice = KINDS[item.kind]?.[3] ?? "";
  return item.remedy && !KIND_ALONE.has(item.kind) ? `${item.remedy} ${advice}` : advice;
}

/** Return who can act, in words. */
export function faultWords(fault) {
  return FAULTS[fault] ?? "";
}

const STATES = {
  __proto__: null,
  archived: ["good", "Archived"],
  recording: ["live", "Recording"],
  pending: ["warn", "On its way"],
  at_risk: ["bad", "At risk"],
  held: ["warn", "Held"],
  missing: ["bad", "Missing"],
  incomplete: ["warn", "Incomplete"],
  PENDING: ["warn", "Waiting"],
  COPIED: ["warn", "Copied"],
  VERIFIED: ["warn", "Verified"],
  CATALOGED: ["good", "Archived"],
  SOURCE_DELETED: ["good", "Archived"],
  QUARANTINED: ["warn", "Held"],
  EXPIRED: ["bad", "Lost"],
  ok: ["good", "OK"],
  warning: ["warn", "Warning"],
  failed: ["bad", "Failed"],
  skipped: ["quiet", "Skipped"],
  active: ["live", "Recording"],
  inactive: ["warn", "Paused"],
  ended: ["quiet", "Ended"],
  requested: ["warn", "Requested"],
  running: ["live", "Running"],
  lapsed: ["warn", "Not approved in time"],
  approved: ["live", "Approved"],
  done: ["good", "Done"],
  erased: ["quiet", "Erased"],
  gone: ["quiet", "Gone"],
  made: ["good", "Made"],
  making: ["live", "Being made"],
};
const MARKS = { good: "check", warn: "clock", bad: "held", live: "play", quiet: "audit" };

/** Return a badge: colour, mark and word say the same. */
export function badge(state) {
  const [tone, word] = STATES[state] ?? STATES[String(state).toLowerCase()] ?? ["quiet", plain(state)];
  return h("span", { class: `badge ${tone}` }, icon(MARKS[tone]), word);
}

/** Return a code or a name as words: `source_refused` → "source refused". */
export function plain(code) {
  return String(code ?? "").replaceAll("_", " ");
}

/** What was asked for, by the operation's name in the audit trail. */
const OPERATIONS = {
  __proto__: null,
  start_recording: "Start recording",
  pause_recording: "Pause",
  resume_recording: "Resume",
  stop_recording: "Stop",
  tell_consent: "Record consent",
  tag_recording: "Change tags",
  chunk_media: "Listen",
  hear_held: "Listen to held media",
  derived_media: "Listen to a made file",
  derive_recording: "Make one file",
  download_link: "Get a download link",
  verify_recording: "Verify",
  redrive_held: "Re-queue held items",
  accept_held: "Accept held media",
  dismiss_held: "Dismiss",
  retry_held: "Retry",
  hold_recording: "Place a hold",
  release_recording: "Release a hold",
  set_retention_rules: "Change retention rules",
  request_erasure: "Request an erasure",
  approve_erasure: "Approve an erasure",
  erase_speaker: "Erase a speaker",
  dispose: "Destroy",
  recording_vcon: "Hand over a vCon",
  request_export: "Request an export",
  export: "Export the recording",
  export_made: "Finish an export",
  export_bundle: "Download an export",
  enable_receiver: "Enable a receiver of events",
  replay_events: "Send events again",
  import_recordings: "Import",
  rebuild_catalog: "Rebuild the catalog",
  reindex_directory: "Reindex the directory",
  catch_up_seal: "Seal what waits",
  accept_seal_differences: "Accept differences from the seal",
  accept_seal_end: "Accept the end of the seal's log",
};

/** Return what was asked for, in words. */
export function operationWords(name) {
  return OPERATIONS[name] ?? plain(name);
}

/** Return whether a chunk's bytes are in the archive. */
export function isArchived(state) {
  return ["CATALOGED", "SOURCE_DELETED"].includes(String(state).toUpperCase());
}

/** Return what a participant can be called without naming anybody. */
export function participantName(one, place) {
  if (one?.name) return one.name;
  const mark = one?.key ? one.key.replace(/^h:/, "").slice(0, 4) : String(place + 1);
  return `${one?.isNumber ? "Number" : "Person"} ${mark}`;
}
