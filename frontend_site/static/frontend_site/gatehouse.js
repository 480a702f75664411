// Gatehouse for scripts of this site: docs/reference/javascript.md. No dependencies; changes no page.

import { join, stateIn } from "./session-stream.js";

const API = "/api/auth/";
const OVER = ["no-session", "session-ended", "password-changed"];
const LEAD = 120_000; // ms before the end
const RETRY = 30_000; // ms, while the state is unknown
const LONGEST = 2 ** 31 - 1; // ms, of a timer

/** Raises what docs/reference/javascript.md lists: CustomEvents. */
export const events = new EventTarget();

/** An unsuccessful response; `kind` is e.g. "invalid-credentials". */
export class Problem extends Error {
  constructor(status, document) {
    super(document.title ?? `Status ${status}`);
    this.status = status;
    this.document = document;
    this.kind = String(document.type).split(":").pop();
  }
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel("gatehouse") : null;
let user = null; // whom this page is for; null: not known yet, "": signed out
let near = false; // the end, as was raised
let watched = false;
let dueAt = Infinity; // when to look again
let timer;

const raise = (type, detail) => events.dispatchEvent(new CustomEvent(type, { detail }));

function signedOut(detail) {
  if (user === "") return;
  user = "";
  clearTimeout(timer);
  dueAt = Infinity;
  raise("signed-out", detail);
}

function tellSignedOut() {
  if (user !== "") channel?.postMessage("signed-out");
  signedOut();
}

channel?.addEventListener("message", ({ data }) => {
  if (!user) return;
  if (data === "signed-out") look(); // may have come from anywhere: a page shows it, too
  if (data === "ended") signedOut(); // was looked up for all pages
  if (data.kind === "session") know(data);
});

async function problemOf(answer) {
  if (answer.ok) return null;
  return new Problem(answer.status, (await answer.clone().json().catch(() => 0)) || {});
}

// The page says how the cookie is called if GATEHOUSE_COOKIE_SUFFIX is set: letters, digits and hyphens.
const CSRF_COOKIE = document.querySelector("meta[name=gatehouse-csrf-cookie]")?.content ?? "__Host-csrf";

/** The CSRF token in the cookie, the newest whichever tab caused it; "" if there is none, or two. */
export function cookieToken() {
  const found = [...document.cookie.matchAll(new RegExp(`(?:^|; )${CSRF_COOKIE}=([\\w.-]+)`, "g"))];
  return found.length === 1 ? found[0][1] : "";
}

async function freshToken() {
  return (await (await call("csrf")).json()).csrfToken;
}

/**
 * Like window.fetch. Unsafe calls to this origin carry X-CSRF-Token; one that is refused for an old
 * token is sent once more with a new one. Answers come back as they are, problems too.
 */
export async function fetch(input, init) {
  const request = new Request(input, init);
  if (new URL(request.url).origin !== location.origin) return window.fetch(request);
  const [answer, problem] = await exchange(request);
  if (answer.status === 401 && OVER.includes(problem?.kind)) tellSignedOut();
  return answer;
}

async function exchange(request) {
  const unsafe = !/^(GET|HEAD|OPTIONS)$/.test(request.method);
  const again = unsafe && request.clone();
  if (unsafe) request.headers.set("X-CSRF-Token", cookieToken() || (await freshToken()));
  let answer = await send(request);
  let problem = await problemOf(answer);
  if (unsafe && /^csrf-/.test(problem?.kind)) {
    again.headers.set("X-CSRF-Token", await freshToken());
    answer = await send(again);
    problem = await problemOf(answer);
  }
  if (/^(reauthentication|step-up)-required$/.test(problem?.kind)) {
    const { methods } = problem.document;
    raise(problem.kind, methods ? { url: answer.url, methods } : { url: answer.url });
  }
  if (problem?.status === 503) raise("unavailable", { retryAfter: +answer.headers.get("Retry-After") });
  return [answer, problem];
}

async function send(request) {
  try {
    return await window.fetch(request);
  } catch (error) {
    if (error.name !== "AbortError") raise("unavailable", { retryAfter: 0 });
    throw error;
  }
}

async function call(path, body) {
  const init = body && { method: "POST", body: JSON.stringify(body) };
  const request = new Request(API + path, { cache: "no-store", ...init });
  request.headers.set("Content-Type", "application/json");
  const [answer, problem] = await exchange(request);
  if (problem) throw problem;
  return answer;
}

// False if the session is another user's than this page's.
function know(state) {
  const { at, ends, final } = state;
  if (user && user !== state.user) {
    signedOut({ user: state.user });
    return false;
  }
  user = state.user;
  const left = ends - Date.now();
  const wasNear = near;
  near = left <= LEAD;
  if (near) raise("expiring", { at: new Date(at), left, final });
  else if (wasNear) raise("renewed", { at: new Date(at) });
  // Others may use the session meanwhile. A second more: that is how exact the times are.
  lookIn(Math.max(1000, (near ? left : left - LEAD) + 1000));
  return true;
}

function tell(state) {
  channel?.postMessage({ kind: "session", ...state });
  return know(state);
}

async function keep(answer) {
  const current = await answer.clone().json();
  return tell(await stateIn(answer)) ? current : null;
}

function lookIn(ms) {
  clearTimeout(timer);
  dueAt = Date.now() + ms;
  timer = setTimeout(look, Math.min(ms, LONGEST));
}

// Timers of hidden pages and of machines that slept are late.
function lookIfLate() {
  if (document.visibilityState === "visible" && Date.now() >= dueAt) look();
}
document.addEventListener("visibilitychange", lookIfLate);
window.addEventListener("focus", lookIfLate);

/** Who is signed in: `{user, session}`, or null. `slide: false` does not count as use. */
export async function session({ slide = true } = {}) {
  try {
    return await keep(await call(slide ? "session" : "session?slide=false"));
  } catch (problem) {
    if (!OVER.includes(problem.kind)) throw problem;
    if (user) tellSignedOut();
    return null;
  }
}

/** Sign in: `{user, session}`, or `{pending}` if a second step is needed, or a Problem is thrown. */
export async function login({ email, password, remember = false }) {
  const answer = await call("login", { email, password, remember });
  return entered(answer);
}

/** Complete a pending sign-in; `method` is "totp" or "recovery": as `login`. */
export async function loginCode({ method = "totp", code }) {
  return entered(await call("login/factor", { method, code }));
}

/** Begin to add the app that a pending sign-in of purpose "enrol" requires: `{secret, uri}`, shown once. */
export async function loginEnrol() {
  return (await call("login/enrol", {})).json();
}

/** Complete such a sign-in with a code from the new app: as `login`. */
export async function loginEnrolCode({ code, name = "" }) {
  return entered(await call("login/enrol/confirm", { code, name }));
}

async function entered(answer) {
  const { pending } = await answer.clone().json();
  if (pending) return { pending };
  user = null;
  return keep(answer);
}

/** Show a code after "step-up-required", in the session that there is: `{user, session}`. */
export async function stepUp({ method = "totp", code }) {
  return keep(await call("reauthenticate", { method, code }));
}

/** Sign out, in every tab. */
export async function logout() {
  await call("logout", {});
  tellSignedOut();
}

/** For pages of a signed-in user: raises "signed-out" as soon as the session ends anywhere. */
export async function watch() {
  if (watched) return;
  watched = true;
  const carried = carriedState();
  if (carried ? tell(carried) : await look()) join(carried?.handle);
}

// What the page was rendered with (private.html), so that its scripts need not ask.
function carriedState() {
  const { user, handle, ends, left, ...others } = document.body.dataset;
  if (!user) return null;
  const endsHere = Date.now() + left * 1000 - performance.now();
  return { user, handle, at: Date.parse(ends), ends: endsHere, final: "final" in others };
}

// False if it has ended; true if not, or if the state is unknown.
async function look() {
  try {
    const current = await session({ slide: false });
    if (!current) signedOut();
    return Boolean(current);
  } catch {
    if (user) lookIn(RETRY);
    return true;
  }
}
