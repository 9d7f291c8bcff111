/** The player: a native media element for one chunk at a time, and one timeline over all of them. */

import { call, ofChunk, tabs } from "./api.js";
import { copy, fill, h, icon, say } from "./dom.js";
import { clock, secondsOf, spoken, whenWithin } from "./format.js";
import { mixerOf } from "./mixer.js";
import { lineOf, notesOf, partAt, silences } from "./timeline.js";
import { laneOf } from "./waveform.js";
import { isArchived, participantName } from "./words.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];
const TRIES = 3; // at one place, before the reader is asked
const PATIENCE = 30_000; // without a sound and without a byte
const FAR = 5; // seconds: after so much more the trouble is over

/** Return whether the bytes of a chunk can be heard. */
export const isPlayable = (chunk) => chunk.playable ?? isArchived(chunk.state);

/**
 * Show the player of a recording.
 * @param {any} recording
 * @param {URLSearchParams} query with `t`, the second to begin at
 */
export function playerOf(recording, query) {
  const pauses = recording.mediaPauses ?? [];
  let line = lineOf(recording.chunks, pauses, isPlayable);
  if (!line.parts.length) return nothing(recording);
  const hasPicture = line.parts.some((part) => part.chunk.format === "mp4");
  const channels = Math.max(1, ...line.parts.map((part) => part.chunk.channels ?? 1));
  const media = h(hasPicture ? "video" : "audio", { preload: "metadata", playsinline: true, "aria-label": "Recording" });
  const mixer = channels > 1 ? mixerOf(media, channels) : null;
  const peaks = new Map();
  const over = new AbortController();
  let part = null;
  let wanted = 0; // where to be once the chunk's metadata is there
  let isWanted = false; // whether it is to play
  let tries = 0;
  let troubleAt = 0; // where it broke off
  let turn = 0; // how often the element was given a file: what is learned of another file counts no more
  let ticking = 0;
  let watching = 0;
  let isThere = false; // whether the element stands where it was told to
  let quiet = [];

  const now = () => (part ? part.start + (isThere && !media.error ? media.currentTime : wanted) : 0);

  function load(next, local) {
    part = next;
    wanted = local;
    isThere = false;
    turn += 1;
    const fileOf = (what) => ofChunk(recording.recordingId, part.chunk.index, what).href;
    media.src = fileOf(mixer?.isApart ? "channels/0" : "media");
    mixer?.load((channel) => fileOf(`channels/${channel}`));
    media.playbackRate = media.defaultPlaybackRate = Number(speed.value);
    quiet = peaks.has(part.chunk.index) ? silences(peaks.get(part.chunk.index), mixer?.isHeard) : [];
  }

  function seek(time) {
    const at = Math.min(Math.max(time, 0), line.length);
    const next = partAt(line, at);
    const local = Math.min(Math.max(at - next.start, 0), Math.max(0, next.length - 0.05));
    if (next !== part) load(next, local);
    else if (media.error) load(part, local);
    else if (isThere) media.currentTime = wanted = local;
    else wanted = local;
    show();
  }

  /** To be called in the click itself: some browsers allow sound only there, so nothing is awaited before. */
  function play() {
    isWanted = true;
    tries = 0;
    if (media.error) load(part, wanted);
    mixer?.wake();
    tabs.postMessage({ plays: recording.recordingId });
    begin();
    show();
  }

  /** Where another file was given meanwhile, or this one fails, its own event goes on. */
  function begin() {
    watch();
    media.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      isWanted = false;
      show();
    });
  }

  function pause() {
    isWanted = false;
    media.pause();
    show();
  }

  const toggle = () => (isWanted || !media.paused ? pause() : play()); // as the button says

  media.addEventListener("loadedmetadata", () => {
    if (Number.isFinite(media.duration) && Math.abs(media.duration - part.length) > 0.2) {
      const { index } = part.chunk;
      line = lineOf(recording.chunks.map((one) => (one.index === index ? { ...one, durationSeconds: media.duration } : one)), pauses, isPlayable);
      part = line.parts.find((one) => one.chunk.index === index);
      redraw();
    }
    if (wanted) media.currentTime = wanted;
    isThere = true;
    if (isWanted) begin();
    show();
  });
  media.addEventListener("ended", () => {
    const next = line.parts[line.parts.indexOf(part) + 1];
    if (!next) return pause();
    load(next, 0);
    isWanted = true;
    return show();
  });
  media.addEventListener("error", wrong);
  media.addEventListener("pause", () => {
    if (media.paused && !media.ended && !media.error) isWanted = false; // it may play again before this is heard
  });
  for (const name of ["progress", "timeupdate"]) media.addEventListener(name, watch);
  for (const name of ["play", "pause", "seeked", "timeupdate", "waiting", "playing"]) media.addEventListener(name, show);
  media.addEventListener("playing", () => fill(problem));
  media.addEventListener("playing", frame);

  /** A part may never come and never fail: what is wanted and stands still is asked for again. */
  function watch() {
    clearTimeout(watching);
    if (isWanted && !over.signal.aborted) watching = setTimeout(() => isWanted && !again() && gaveUp("Nothing comes. Press Play to try again."), PATIENCE);
  }

  /** The element does not tell why it failed: ask the server. What the reader did meanwhile holds. */
  async function wrong() {
    const [{ index, format }, mine] = [part.chunk, turn];
    try {
      await call(`recordings/${encodeURIComponent(recording.recordingId)}/chunks/${index}/media`, { headers: { Range: "bytes=0-0", Accept: "*/*" }, signal: over.signal });
      if (mine !== turn || again()) return;
      if (mixer && !mixer.isApart) apart();
      else gaveUp(`This browser cannot play chunk ${index} (${format}). Download it below.`);
    } catch (error) {
      if (error.name === "AbortError" || mine !== turn) return;
      gaveUp(error.status === 403 ? "Your role does not allow to listen any more." : error.message);
    }
  }

  function gaveUp(text) {
    pause();
    fill(problem, text);
  }

  /** A part did not come, or the sound broke off, and the server answers: go on there. Return whether that is still worth it. */
  function again() {
    if (Math.abs(now() - troubleAt) > FAR) tries = 0;
    troubleAt = now();
    tries += 1;
    if (tries > TRIES) return false;
    load(part, wanted);
    if (isWanted) begin();
    show();
    return true;
  }

  /** This browser does not play, or mixes down, the channels of one file: go on with a file for each speaker. */
  function apart() {
    const at = wanted;
    tries = 0;
    mixer.split();
    fill(hint, "This browser does not play the speakers of one file apart, so each is fetched as a file of their own.");
    load(part, at);
    show();
  }

  /** Return for each lane whether its waveform shows speech at this moment for sure. */
  function should(local) {
    const { loudest, bucketSeconds, channels: found } = peaks.get(part.chunk.index) ?? { channels: [] };
    return lanes.map((_, lane) => (found[lane]?.peaks[Math.floor(local / bucketSeconds)] ?? 0) > Math.max(loudest / 2, 16));
  }

  /** While it plays: move the line, skip silence, light up who speaks. */
  function frame() {
    cancelAnimationFrame(ticking);
    if (over.signal.aborted || media.paused) return undefined;
    const local = media.currentTime;
    const silence = skip.checked && quiet.find((one) => local >= one.start && local < one.end - 0.1);
    if (silence) media.currentTime = silence.end;
    if (mixer) {
      const sounds = mixer.speaking();
      sounds.forEach((speaks, lane) => lanes[lane].row.classList.toggle("speaks", speaks && mixer.isHeard(lane)));
      if (mixer.isDeaf(sounds, should(local))) return apart();
    }
    place();
    ticking = requestAnimationFrame(frame);
    return undefined;
  }

  // --- what is seen ------------------------------------------------------------------------------------------------

  const button = (name, label, click, props = {}) => h("button", { type: "button", class: "round", "aria-label": label, title: label, onclick: click, ...props }, icon(name));
  const playButton = button("play", "Play", toggle, { class: "round big" });
  const time = h("span", { class: "clock", "aria-hidden": "true" });
  const speed = h("select", { "aria-label": "Speed", onchange: () => setSpeed(Number(speed.value)) }, SPEEDS.map((value) => h("option", { value }, `${value}×`)));
  speed.value = "1";
  const skip = h("input", { type: "checkbox" });
  const volume = h("input", { type: "range", min: "0", max: "1", step: "0.05", value: "1", "aria-label": "Volume", class: "volume", oninput: () => { media.volume = Number(volume.value); } });
  const slider = h("input", {
    type: "range", class: "seek", min: "0", max: String(line.length), step: "any", value: "0", "aria-label": "Position",
    oninput: () => seek(Number(slider.value)),
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const hint = h("p", { class: "quiet hint", role: "status" });
  const lanes = Array.from({ length: channels }, (_, lane) => {
    const wave = laneOf(() => line, lane, seek);
    const name = nameOf(recording, lane, channels);
    const label = h("div", { class: "lane-name" }, h("bdi", null, name));
    const row = h("div", { class: `lane lane-${lane % 5}` }, label, wave.node);
    if (mixer) label.append(h("span", { class: "row" }, mixer.buttons(lane, name, () => { redim(); listenForSilence(); })));
    return { wave, row, label };
  });
  const waves = h("div", { class: `lanes${channels > 1 ? " many" : ""}`, role: "group", "aria-label": "Waveform" }, lanes.map((lane) => lane.row));
  const link = h("button", { type: "button", class: "button small", onclick: copyLink }, icon("link"), h("span", null, "Copy link"));
  const extra = hasPicture ? button("full", "Full screen", () => media.requestFullscreen?.().catch(() => {})) : null;
  const node = h(
    "section",
    { class: "card player", "aria-label": "Player", onkeydown: keys },
    media,
    waves,
    slider,
    h(
      "div",
      { class: "controls" },
      h("div", { class: "row" }, button("back", "Back 10 seconds", () => seek(now() - 10)), playButton, button("ahead", "Ahead 10 seconds", () => seek(now() + 10)), time),
      h("div", { class: "row" }, h("label", { class: "check" }, skip, "Skip silence"), speed, volume, extra, link),
    ),
    problem,
    hint,
    marksOf(),
  );

  function setSpeed(value) {
    speed.value = String(value);
    media.playbackRate = media.defaultPlaybackRate = value;
    say(`${value} times`);
  }

  function place() {
    if (isThere && !media.error) wanted = media.currentTime;
    const at = now();
    waves.style.setProperty("--at", String(line.length ? at / line.length : 0));
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", `${spoken(at)} of ${spoken(line.length)}`);
    fill(time, `${clock(at)} / ${clock(line.length)}`);
    link.lastChild.textContent = `Copy link at ${clock(at)}`;
  }

  function show() {
    const isPlaying = !media.paused || isWanted;
    if (playButton.getAttribute("aria-label") !== (isPlaying ? "Pause" : "Play")) {
      playButton.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
      playButton.title = isPlaying ? "Pause" : "Play";
      fill(playButton, icon(isPlaying ? "pause" : "play"));
    }
    node.classList.toggle("waits", isWanted && media.readyState < 3);
    node.dataset.chunk = part ? part.chunk.index : "";
    place();
  }

  function redraw() {
    slider.max = String(line.length);
    for (const lane of lanes) lane.wave.draw();
  }

  const redim = () => lanes.forEach((lane, at) => lane.row.classList.toggle("muted", !mixer.isHeard(at)));
  const listenForSilence = () => {
    quiet = part && peaks.has(part.chunk.index) ? silences(peaks.get(part.chunk.index), mixer?.isHeard) : [];
  };

  function copyLink() {
    const url = new URL(location.href);
    url.hash = `#/recording/${encodeURIComponent(recording.recordingId)}?t=${Math.floor(now())}`;
    return copy(url.href, `Link at ${clock(now())}`);
  }

  function marksOf() {
    const entries = notesOf(line);
    if (!entries.length) return null;
    return h("details", { class: "marks", open: entries.length < 6 }, h("summary", null, "Pauses, joints and gaps"), h("ol", null, entries.map(([at, text, since]) => h("li", null, h("button", { type: "button", class: "mark", onclick: () => seek(at) }, clock(at)), " ", text, since ? [" at ", whenWithin(since, true)] : ""))));
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isSlider = event.target === slider;
    if (event.target.closest("select, input[type=range].volume")) return;
    if (event.key === " " && event.target.closest("button, summary, input[type=checkbox]")) return;
    const does = {
      " ": toggle, k: toggle, j: () => seek(now() - 10), l: () => seek(now() + 10),
      ArrowLeft: () => seek(now() - 5), ArrowRight: () => seek(now() + 5),
      PageDown: () => seek(now() - 60), PageUp: () => seek(now() + 60),
      Home: () => seek(0), End: () => seek(line.length),
      "<": () => faster(-1), ">": () => faster(1), c: copyLink,
    }[event.key];
    if (!does || (["Home", "End", "PageUp", "PageDown"].includes(event.key) && !isSlider)) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }

  function faster(step) {
    const at = SPEEDS.indexOf(Number(speed.value));
    setSpeed(SPEEDS[Math.min(Math.max(at + step, 0), SPEEDS.length - 1)]);
  }

  /** Waveforms are made when they are first asked for: one that takes long, or a busy server, holds up no other. */
  async function fetchPeaks() {
    const queue = line.parts.map((one) => one.chunk.index);
    await Promise.all([drawn(queue), drawn(queue)]);
    if (over.signal.aborted) return;
    const isDrawn = [...peaks.values()].some((one) => one.channels.some((channel) => channel.peaks.length));
    waves.hidden = channels === 1 && !isDrawn && !line.marks.length && !line.gaps.length;
    node.classList.add("drawn");
  }

  async function drawn(queue) {
    const later = [];
    for (let tries = 0; queue.length || later.length; ) {
      if (!queue.length) {
        await new Promise((done) => setTimeout(done, 3000));
        if (over.signal.aborted || (tries += 1) > 5) return;
        queue.push(...later.splice(0));
      }
      const index = queue.shift();
      try {
        drawOne(index, (await call(`recordings/${encodeURIComponent(recording.recordingId)}/chunks/${index}/peaks`, { signal: over.signal })).data);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.status === undefined) throw error;
        if (error.code === "waveform_busy") later.push(index);
      }
    }
  }

  function drawOne(index, data) {
    data.loudest = Math.max(0, ...data.channels.map((channel) => channel.peaks.reduce((most, peak) => Math.max(most, peak), 0)));
    peaks.set(index, data);
    lanes.forEach((lane) => lane.wave.add(index, data));
    data.channels.forEach((channel, at) => channel.name && lanes[at] && fill(lanes[at].label.firstChild, channel.name));
    listenForSilence();
  }

  const otherTab = (event) => {
    if (event.data?.plays) pause();
  };
  tabs.addEventListener("message", otherTab);
  seek(secondsOf(query.get("t")) ?? 0);
  fetchPeaks();
  return {
    node,
    seek,
    play,
    stop() {
      over.abort();
      clearTimeout(watching);
      tabs.removeEventListener("message", otherTab);
      media.pause();
      media.removeAttribute("src");
      media.load();
      mixer?.stop();
      for (const lane of lanes) lane.wave.stop();
    },
  };
}

function nothing(recording) {
  const text = recording.chunks.length ? "No file of it is in the archive yet." : "No file of this recording was announced.";
  return { node: h("section", { class: "card empty" }, h("p", { class: "strong" }, "Nothing to hear"), h("p", { class: "quiet" }, text)), seek() {}, stop() {} };
}

function nameOf(recording, lane, channels) {
  if (channels === 1) return "All";
  const people = recording.participants ?? [];
  const at = people.findIndex((one) => one.channels?.includes(lane));
  return at < 0 ? `Speaker ${lane + 1}` : participantName(people[at], at);
}
