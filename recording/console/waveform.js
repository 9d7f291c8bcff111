/** Lanes: one canvas for each speaker over the whole timeline, drawn from peaks that the server made. */

import { h } from "./dom.js";

const HEIGHT = 56;
const QUIET = 40; // of 255: a recording that is quieter than this is not drawn as if it were loud

/**
 * Show a lane.
 * @param {any} line the timeline
 * @param {number} lane which channel
 * @param {(time: number) => void} seek
 */
export function laneOf(line, lane, seek) {
  const canvas = h("canvas", { class: "wave", height: HEIGHT, "aria-hidden": "true" });
  const node = h("div", { class: "wave-box" }, canvas, h("div", { class: "played" }));
  const peaks = new Map();
  let loudest = QUIET;
  let drawing = 0; // of a thousand chunks that come one by one, not each draws all the others again
  const timeAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * line().length;
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    node.setPointerCapture(event.pointerId);
    seek(timeAt(event));
  });
  node.addEventListener("pointermove", (event) => {
    if (node.hasPointerCapture(event.pointerId)) seek(timeAt(event));
  });

  function draw() {
    const width = canvas.clientWidth;
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(HEIGHT * scale);
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(node);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.scale(scale, scale);
    const { parts, gaps, marks, length } = line();
    const x = (time) => (length ? (time / length) * width : 0);
    for (const gap of gaps) hatch(pen, x(gap.start), x(gap.length), style.color);
    pen.fillStyle = style.color;
    for (const part of parts) bars(pen, peaks.get(part.chunk.index)?.channels[lane]?.peaks, loudest, x(part.start), x(part.length));
    for (const mark of marks) {
      pen.strokeStyle = colour(mark.kind === "pause" ? "--mark-pause" : "--mark-joint");
      pen.lineWidth = mark.kind === "pause" ? 2 : 1;
      pen.setLineDash(mark.kind === "pause" ? [4, 3] : []);
      pen.beginPath();
      pen.moveTo(x(mark.at), 0);
      pen.lineTo(x(mark.at), HEIGHT);
      pen.stroke();
    }
  }

  const watcher = new ResizeObserver(draw);
  watcher.observe(canvas);
  addEventListener("themechange", draw);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  return {
    node,
    draw,
    add(index, found) {
      peaks.set(index, found);
      for (const channel of found.channels) loudest = channel.peaks.reduce((most, peak) => Math.max(most, peak), loudest);
      drawing ||= requestAnimationFrame(() => {
        drawing = 0;
        draw();
      });
    },
    stop() {
      cancelAnimationFrame(drawing);
      watcher.disconnect();
      removeEventListener("themechange", draw);
      dark.removeEventListener("change", draw);
    },
  };
}

/** Draw peaks, the loudest of the recording from edge to edge. */
function bars(pen, values, loudest, left, width) {
  const middle = HEIGHT / 2;
  if (!values?.length) return pen.fillRect(left, middle - 0.5, width, 1);
  const step = 3;
  for (let at = 0; at < width; at += step) {
    const first = Math.floor((at / width) * values.length);
    const end = Math.max(first + 1, Math.floor(((at + step) / width) * values.length));
    let peak = 0;
    for (let bucket = first; bucket < end; bucket += 1) peak = Math.max(peak, values[bucket] ?? 0);
    const half = Math.max(0.5, (peak / loudest) * (middle - 2));
    pen.fillRect(left + at, middle - half, 2, half * 2);
  }
  return undefined;
}

function hatch(pen, left, width, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, width, HEIGHT);
  pen.clip();
  pen.globalAlpha = 0.35;
  pen.strokeStyle = colour;
  for (let at = left - HEIGHT; at < left + width; at += 7) {
    pen.beginPath();
    pen.moveTo(at, HEIGHT);
    pen.lineTo(at + HEIGHT, 0);
    pen.stroke();
  }
  pen.restore();
}
