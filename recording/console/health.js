/** Health: every check of the doctor, what it found, and what to do about it. */

import { get } from "./api.js";
import { fill, h, prose } from "./dom.js";
import { counted, plainTime } from "./format.js";
import { load } from "./parts.js";
import { badge, plain } from "./words.js";

const ORDER = ["failed", "warning", "skipped", "ok"];

/** Show the screen. */
export function showHealth(root) {
  const region = h("div");
  const look = () => load(region, 8, async () => draw(await examined()));
  fill(root, h("div", { class: "row between" }, h("h1", null, "Health"), h("button", { type: "button", class: "button small", onclick: look }, "Examine again")), region);
  look();
}

/** Return the findings; the route answers 503 with them when a check failed. */
async function examined() {
  try {
    return await get("health");
  } catch (error) {
    if (error.body?.findings) return error.body;
    throw error;
  }
}

function draw(data) {
  const findings = [...(data.findings ?? [])].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const failed = findings.filter((one) => one.state === "failed").length;
  const verdict = failed ? `${counted(failed, "check")} failed` : "All is well";
  return [
    h("div", { class: `card ${failed ? "alarm" : "calm"}`, role: "status" }, h("p", { class: "big" }, verdict), h("p", { class: "quiet" }, `${counted(findings.length, "check")}, each done for real at ${plainTime(new Date())}.`)),
    h("ul", { class: "bare card checks" }, findings.map((one) => h("li", null, badge(one.state), h("div", null, h("p", { class: "strong" }, plain(one.check)), h("p", null, one.found), one.remedy ? h("p", { class: "advice" }, prose(one.remedy)) : null)))),
  ];
}
