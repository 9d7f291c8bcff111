/** Talking to the server: same origin, the cookie of the sign-in, one header against forged requests. */

const BASE = new URL("api/", document.baseURI);
const OWN = { "X-Recordings-Console": "1", Accept: "application/json" };

/** What the server refused or could not do, in its own words. */
export class ApiError extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(sentence(problem.detail || problem.title || (status ? `The server answered ${status}` : "The server cannot be reached")));
    this.status = status;
    this.code = problem.code ?? (status ? `http_${status}` : "unreachable");
    this.signInUrl = problem.signInUrl ?? null;
    this.remedy = problem.remedy ?? null;
    this.body = problem;
  }
}

/** Return a problem's words as a sentence of the page: the API writes them for programs, in lower case and without a full stop. */
function sentence(words) {
  const plain = String(words).replaceAll("`", "").trim();
  return plain.charAt(0).toUpperCase() + plain.slice(1) + (/[.!?…]$/.test(plain) ? "" : ".");
}

const TRIES = 4; // for a part of a file
const listeners = new Set();
let isLost = false;

/** Call `heard` with the refusal when the server says that the session is over, and with null when it goes on. */
export function onSession(heard) {
  listeners.add(heard);
}

/** Return the address of something under `console/api`. */
export function address(path, query) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query ?? {})) if (value) url.searchParams.set(name, value);
  return url;
}

/**
 * Ask the server.
 * @returns {Promise<{ data: any, etag: string | null, unchanged: boolean, response: Response }>}
 */
export async function call(path, { method = "GET", query, body, headers, signal, etag } = {}) {
  const sent = { ...OWN, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  if (etag) sent[method === "GET" ? "If-None-Match" : "If-Match"] = etag;
  let response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, {});
  }
  if (response.status === 304) signedIn();
  if (response.status === 304) return { data: null, etag, unchanged: true, response };
  if (!response.ok) throw await refusal(response);
  signedIn();
  return { data: await content(response, sent.Accept), etag: response.headers.get("ETag"), unchanged: false, response };
}

/** What is asked for as JSON must be JSON, and all of it: a page that something in between sends is not an answer. */
async function content(response, accepted) {
  if (!accepted.includes("json")) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(response.status, { detail: "The answer cannot be read; something may be between this page and the app.", code: "unreadable_answer" });
  }
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // a proxy's page: the status says it
  }
  const error = new ApiError(response.status, problem);
  if (error.status === 401) {
    isLost = true;
    for (const heard of listeners) heard(error);
  }
  return error;
}

function signedIn() {
  if (!isLost) return;
  isLost = false;
  for (const heard of listeners) heard(null);
}

/** Return what a GET answers. */
export async function get(path, query, signal) {
  return (await call(path, { query, signal })).data;
}

/** Return the rows of the first pages of a list, and whether there are more. */
export async function getPages(path, name, count, signal) {
  const rows = [];
  const unread = [];
  let next = "";
  for (let page = 0; page < count && (page === 0 || next); page += 1) {
    const data = await get(path, { next }, signal);
    rows.push(...data[name]);
    unread.push(...(data.unreadable ?? []));
    next = data.next;
  }
  return { rows, unread, isMore: Boolean(next) };
}

/** Return what a POST answers. */
export async function post(path, body, signal) {
  return (await call(path, { method: "POST", body, signal })).data;
}

/** Return the address of a chunk's media, peaks or single channel. */
export function ofChunk(recordingId, index, what) {
  return address(`recordings/${encodeURIComponent(recordingId)}/chunks/${index}/${what}`);
}

/**
 * Fetch a whole file in small ranges, as the server sends it.
 * @param {URL} url
 * @param {(done: number, total: number) => void} progress
 * @returns {Promise<Blob>}
 */
export async function whole(url, progress, signal) {
  const parts = [];
  let at = 0;
  let total = Infinity;
  while (at < total) {
    const { response, part } = await aPart(url, at, signal);
    const range = /\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "");
    total = range ? Number(range[1]) : part.size;
    if (part.size === 0) break;
    parts.push(part);
    at += part.size;
    progress(at, total);
  }
  return new Blob(parts);
}

/** One part must not end a download of hundreds: what passes is tried again. */
async function aPart(url, at, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      const response = await fetch(url, { headers: { ...OWN, Accept: "*/*", Range: `bytes=${at}-` }, signal, cache: "no-store", redirect: "error" });
      if (!response.ok) throw await refusal(response);
      return { response, part: await response.blob() };
    } catch (error) {
      const passes = error instanceof ApiError ? error.status === 429 || error.status >= 500 : error.name !== "AbortError";
      if (!passes || tries === TRIES) throw error instanceof ApiError || !passes ? error : new ApiError(0, {});
    }
    await new Promise((done) => setTimeout(done, 500 * 2 ** tries));
  }
}

/** What other tabs of this page are told: something was decided, or playing began here. */
export const tabs = new BroadcastChannel("recordings");
