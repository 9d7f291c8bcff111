/** The frame around the screens: who is signed in, where one is, keys, and a session that ends. */

import { ApiError, get, onSession, tabs } from "./api.js";
import { showAudit } from "./audit.js";
import { ask, fill, h, icon, say } from "./dom.js";
import { showHealth } from "./health.js";
import { showHeld } from "./held.js";
import { showKept } from "./kept.js";
import { showNow } from "./now.js";
import { showRecording } from "./recording.js";
import { showRequests } from "./requests.js";
import { showSearch } from "./search.js";

/** Every screen: its name in the menu, its key after `g`, and what one must be allowed to see it. */
const SCREENS = {
  __proto__: null, // an address may say anything
  now: { title: "Now", key: "n", needs: "read", show: showNow },
  search: { title: "Search", key: "s", needs: "read", show: showSearch },
  recording: { title: "Recording", needs: "read", show: showRecording },
  kept: { title: "Kept", key: "k", needs: "read", show: showKept },
  requests: { title: "Requests", key: "r", needs: "export erase", show: showRequests },
  held: { title: "Held", key: "h", needs: "operate", show: showHeld },
  audit: { title: "Audit", key: "a", needs: "operate", show: showAudit },
  health: { title: "Health", key: "e", needs: "operate", show: showHealth },
};
const PLACE = "recordings.place";
const main = document.getElementById("main");
const shell = document.getElementById("shell");
/** @type {any} */
let me = null;
let leave = () => {};
let shown = "";

/** Where the address points: the screen, what it shows, and its filters. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [screen, id] = path.split("/");
  return { screen: screen || "now", id: id ? decoded(id) : null, query: new URLSearchParams(query ?? "") };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no address of ours; then there is no such thing
  }
}

async function start() {
  document.documentElement.dataset.theme = localStorage.getItem("recordings.theme") ?? "";
  const kept = sessionStorage.getItem(PLACE);
  if (kept && !location.hash) history.replaceState(null, "", kept);
  onSession(session);
  try {
    me = await get("me");
  } catch (error) {
    return welcome(error);
  }
  sessionStorage.removeItem(PLACE);
  frame();
  addEventListener("hashchange", go);
  addEventListener("keydown", keys, true);
  document.addEventListener("visibilitychange", () => !document.hidden && again());
  return go();
}

/** Nobody is signed in yet, or the server does not answer: the whole page says so. */
function welcome(error) {
  const signIn = error instanceof ApiError && error.status === 401;
  const problem = error instanceof ApiError ? error : new ApiError(0, {});
  if (!(error instanceof ApiError)) throw error;
  fill(
    main,
    h(
      "section",
      { class: "welcome" },
      h("img", { src: "icon.svg", alt: "", width: "56", height: "56" }),
      h("h1", null, "Recordings"),
      signIn
        ? [h("p", null, "Find, hear and understand archived calls. Sign in to go on."), signInLink(problem)]
        : [
            h("p", { class: "problem", role: "alert" }, problem.message),
            h("p", { class: "quiet" }, problem.remedy ?? ""),
            h("button", { class: "button", onclick: () => location.reload() }, "Try again"),
          ],
    ),
  );
}

function signInLink(problem, text = "Sign in") {
  const url = new URL(problem.signInUrl ?? "/.auth/login/aad", location.href);
  const here = `${location.pathname}${location.hash}`;
  if (url.origin !== location.origin) url.href = `${location.origin}/.auth/login/aad`;
  url.searchParams.set("post_login_redirect_uri", here);
  const keep = () => sessionStorage.setItem(PLACE, location.hash);
  return h("a", { class: "button primary", href: url.href, onclick: keep }, text);
}

let isLost = false;

/** The session ended: keep the page as it is, say so once, and lead back to this very place; or it goes on, from another tab. */
async function session(error) {
  if (!me) return;
  if (!error) return again();
  if (isLost) return;
  isLost = true;
  frame(error);
  await ask("Your session has ended", [h("p", null, "What you see stays. Sign in to continue where you are."), h("p", null, signInLink(error))], null);
}

/** A person who signs in elsewhere under another name, or with other roles, must not go on as who is shown here. */
async function again() {
  try {
    const now = await get("me");
    const said = (one) => JSON.stringify([one.id, one.name, one.roles, one.may]);
    if (said(now) !== said(me)) return location.reload();
    if (isLost) frame();
    isLost = false;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Whether the role opens a screen: one of what it needs is enough. */
const opens = (screen) => screen.needs.split(" ").some((need) => me.may?.[need]);

function frame(lost) {
  const allowed = Object.entries(SCREENS).filter(([name, one]) => one.key && opens(one) && name !== "recording");
  fill(
    shell,
    h(
      "header",
      { class: "frame" },
      h("a", { class: "brand", href: "#/now" }, h("img", { src: "icon.svg", alt: "", width: "28", height: "28" }), h("span", null, "Recordings")),
      h(
        "nav",
        { "aria-label": "Screens" },
        allowed.map(([name, one]) => h("a", { href: `#/${name}`, "data-screen": name, title: one.title }, icon(name), h("span", null, one.title))),
      ),
      lost ? signInLink(lost, "Log in again") : h("button", { class: "account", type: "button", onclick: account, "aria-label": `Account of ${me.name ?? "you"}` }, icon("person"), h("bdi", null, me.name ?? "")),
    ),
  );
  markPlace(place());
}

function markPlace(at) {
  for (const link of shell.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("data-screen") === (at.screen === "recording" ? "search" : at.screen);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function account() {
  const theme = h(
    "select",
    {
      onchange: (event) => {
        localStorage.setItem("recordings.theme", event.target.value);
        document.documentElement.dataset.theme = event.target.value;
        dispatchEvent(new Event("themechange"));
      },
    },
    [["", "as the system"], ["light", "light"], ["dark", "dark"]].map(([value, text]) => h("option", { value }, text)),
  );
  theme.value = localStorage.getItem("recordings.theme") ?? "";
  const letters = h("input", { type: "checkbox", checked: useKeys(), onchange: (event) => localStorage.setItem("recordings.keys", event.target.checked ? "on" : "off") });
  await ask(
    "Account",
    [
      h("p", null, h("bdi", { class: "strong" }, me.name ?? "You"), h("br"), h("span", { class: "quiet" }, (me.roles ?? []).join(", ") || "no role")),
      h("label", { class: "field" }, "Colours", theme),
      h("label", { class: "check" }, letters, "Single-key shortcuts"),
      h(
        "dl",
        { class: "keys" },
        [["/", "search"], ["g, then n s k r h a e", "now, search, kept, requests, held, audit, health"], ["?", "this list"], ["k or Space", "play, pause (in the player)"], ["← → / j l", "5 s / 10 s back, ahead"], ["< >", "slower, faster"], ["c", "copy the link to this second"]].map(([keys, does]) => [h("dt", null, h("kbd", null, keys)), h("dd", null, does)]),
      ),
      me.signOutUrl && h("p", null, h("a", { class: "button", href: me.signOutUrl, onclick: () => tabs.postMessage({ signedOut: true }) }, "Sign out")),
    ],
    null,
  );
}

const useKeys = () => localStorage.getItem("recordings.keys") !== "off";
let after = "";

function keys(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (!useKeys() || target.closest("input:not([type=range]):not([type=checkbox]), textarea, select")) return;
  const goes = after === "g" && Object.entries(SCREENS).find(([, one]) => one.key === event.key && opens(one));
  after = event.key;
  if (goes) {
    event.stopPropagation(); // the player knows some of these letters as well
    location.hash = `#/${goes[0]}`;
  } else if (event.key === "/") {
    event.preventDefault();
    const field = document.getElementById("who");
    if (field) field.focus();
    else location.hash = "#/search";
  } else if (event.key === "?") account();
}

/** Show what the address says. A change within one recording is told to its screen instead. */
async function go() {
  const at = place();
  const screen = SCREENS[at.screen];
  const mark = `${at.screen}/${at.id ?? ""}`;
  if (mark === shown && leave.moved?.(at)) return;
  leave();
  leave = () => {};
  shown = mark;
  markPlace(at);
  const isOpen = screen && (opens(screen) || (at.screen === "audit" && at.query.get("recording") && me.may?.read));
  if (!isOpen) {
    document.title = "Recordings";
    fill(main, h("h1", null, "Nothing here"), h("p", null, screen ? "Your role does not open this page." : "This address leads nowhere."), h("a", { href: "#/now" }, "Go to Now"));
    return;
  }
  document.title = `${screen.title} · Recordings`;
  const root = h("div", { class: `screen ${at.screen}` });
  fill(main, root);
  const started = screen.show(root, { ...at, me });
  leave = started ?? (() => {});
  scrollTo(0, 0);
  if (document.activeElement === document.body || shell.contains(document.activeElement)) main.focus({ preventScroll: true });
  say(screen.title);
}

/** One voice at a time, whichever element it is; and paper has no lid that one could open. */
document.addEventListener("play", (event) => document.querySelectorAll("audio, video").forEach((one) => one !== event.target && one.pause()), true);
addEventListener("beforeprint", () => document.querySelectorAll("details.marks").forEach((one) => { one.open = true; }));
tabs.addEventListener("message", (event) => {
  if (event.data?.signedOut) location.reload();
});
start();
