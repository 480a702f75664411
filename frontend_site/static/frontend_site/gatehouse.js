// Gatehouse for scripts of this site: docs/reference/javascript.md. No dependencies; changes no page.

const API = "/api/auth/";
const OVER = ["no-session", "session-ended"];
const WARNING = 60_000; // ms

/** Raises "signed-out", "expiring", "reauthentication-required", "unavailable": CustomEvents. */
export const events = new EventTarget();

/** An answer that is no success; `kind` is e.g. "invalid-credentials". */
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
let timer;

const raise = (type, detail) => events.dispatchEvent(new CustomEvent(type, { detail }));

function signedOut() {
  if (user === "") return;
  user = "";
  clearTimeout(timer);
  channel?.postMessage("signed-out");
  raise("signed-out");
}

channel?.addEventListener("message", ({ data }) => {
  if (data === "signed-out" && user) look();
});

async function problemOf(answer) {
  if (answer.ok) return null;
  return new Problem(answer.status, (await answer.clone().json().catch(() => 0)) || {});
}

// The cookie has the newest CSRF token, whichever tab caused it.
function cookieToken() {
  return document.cookie.match(/(?:^|; )__Host-csrf=([\w.-]+)/)?.[1] ?? freshToken();
}

async function freshToken() {
  return (await call("csrf")).csrfToken;
}

/**
 * Like window.fetch. Unsafe calls to this origin carry X-CSRF-Token; one that is refused for an old
 * token is sent once more with a new one. Answers come back as they are, problems too.
 */
export async function fetch(input, init) {
  const request = new Request(input, init);
  if (new URL(request.url).origin !== location.origin) return window.fetch(request);
  const [answer, problem] = await exchange(request);
  if (answer.status === 401 && OVER.includes(problem?.kind)) signedOut();
  return answer;
}

async function exchange(request) {
  const unsafe = !/^(GET|HEAD|OPTIONS)$/.test(request.method);
  const again = unsafe && request.clone();
  if (unsafe) request.headers.set("X-CSRF-Token", await cookieToken());
  let answer = await send(request);
  let problem = await problemOf(answer);
  if (unsafe && /^csrf-/.test(problem?.kind)) {
    again.headers.set("X-CSRF-Token", await freshToken());
    answer = await send(again);
    problem = await problemOf(answer);
  }
  if (problem?.kind === "reauthentication-required") raise(problem.kind, { url: answer.url });
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
  return answer.status === 204 ? null : answer.json();
}

function keep(current) {
  if (user && user !== current.user.id) return signedOut(); // this page is somebody else's
  user = current.user.id;
  const { idle_expires_at, absolute_expires_at } = current.session;
  const at = new Date(idle_expires_at < absolute_expires_at ? idle_expires_at : absolute_expires_at);
  const left = at - Date.now();
  if (left <= WARNING) raise("expiring", { at });
  clearTimeout(timer); // other tabs may use the session, so look again then
  timer = setTimeout(look, left > WARNING ? Math.min(left - WARNING, 2e9) : WARNING);
  return current;
}

/** Who is signed in: `{user, session}`, or null. `slide: false` does not count as use. */
export async function session({ slide = true } = {}) {
  try {
    return keep(await call(slide ? "session" : "session?slide=false")) ?? null;
  } catch (problem) {
    if (!OVER.includes(problem.kind)) throw problem;
    if (user) signedOut();
    return null;
  }
}

/** Sign in: `{user, session}`, or a Problem is thrown. */
export async function login({ email, password, remember = false }) {
  const current = await call("login", { email, password, remember });
  user = null;
  return keep(current);
}

/** Sign out, in every tab. */
export async function logout() {
  await call("logout", {});
  signedOut();
}

/** For pages of somebody signed in: raises "signed-out" as soon as the session ends anywhere. */
export async function watch() {
  // One stream serves all tabs: connections are few.
  if (await look()) await (navigator.locks?.request("gatehouse-events", listen) ?? listen());
}

// False when it is over; true when not, or when nobody can tell.
async function look() {
  const current = await session({ slide: false }).catch(() => true);
  if (!current) signedOut();
  return Boolean(current);
}

async function listen() {
  let failures = 0;
  do {
    let ms = await nextEvent(() => (failures = 0));
    if (ms === null) return;
    ms ??= (0.5 + Math.random()) * 1000 * 2 ** Math.min(failures++, 6);
    await new Promise((done) => setTimeout(done, ms));
  } while (await look());
}

// The ms until the next look; undefined after a failure; null when newer streams took over.
function nextEvent(onopen) {
  return new Promise((done) => {
    const source = new EventSource(API + "events");
    source.onopen = onopen;
    source.onerror = () => source.readyState === EventSource.CLOSED && done();
    source.addEventListener("displaced", () => source.close() ?? done(null));
    source.addEventListener("check", ({ data }) => source.close() ?? done(Math.random() * data));
  });
}
