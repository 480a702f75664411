// The stream that tells when the session may be over: one for all pages of this browser.
// It is held by a SharedWorker (this file again), in Chromium through navigations, too; without
// SharedWorkers by a page. docs/reference/events.md says when it opens.

const PATIENCE = 3_000; // ms. A page that is left before it opens no stream
const LOOK = "/api/auth/session?slide=false";
const STREAM = "/api/auth/events";
const LONGEST_PAUSE = 6; // as a power of two, in seconds

/** Of a page: have the stream held for the session `handle`, if that is known. */
export function join(handle) {
  try {
    const options = { type: "module", name: "gatehouse", extendedLifetime: true };
    const worker = new SharedWorker(ownAddress(), options);
    worker.onerror = () => holdHere(handle);
    worker.port.postMessage(handle);
  } catch {
    holdHere(handle); // no such thing, or not allowed
  }
}

// Only this file may become a worker: the policy of pages allows this one name.
function ownAddress() {
  const address = import.meta.url;
  const rules = { createScriptURL: (url) => (url === address ? url : "") };
  return globalThis.trustedTypes?.createPolicy("gatehouse-stream", rules).createScriptURL(address) ?? address;
}

function holdHere(handle) {
  const held = () => new Promise(() => serve(handle)); // for as long as the page is there
  if (navigator.locks) navigator.locks.request("gatehouse-stream", held);
  else serve(handle);
}

/** What `{user, session}` in an answer says, with the end by this machine's clock (ms). */
export async function stateIn(answer) {
  const { user, session } = await answer.json();
  const { handle, idle_expires_at: idle, absolute_expires_at: absolute } = session;
  const at = Date.parse(idle < absolute ? idle : absolute);
  const now = Date.parse(answer.headers.get("Date")) || Date.now(); // the server's clock
  return { user: user.id, handle, at, ends: Date.now() + at - now, final: idle >= absolute };
}

// Who holds it.

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("gatehouse") : null;
let served; // the handle of the session that the stream is for
let source;
let timer;
let failures = 0;

function serve(handle) {
  if ((source || timer) && (!handle || handle === served)) return;
  served = handle ?? served;
  after(PATIENCE, open);
}

function after(ms, act) {
  clearTimeout(timer);
  timer = setTimeout(act, ms);
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = timer = undefined;
}

function open() {
  close();
  source = new EventSource(STREAM);
  source.onopen = () => (failures = 0);
  source.onerror = ({ target }) => target.readyState === EventSource.CLOSED && (close(), pause());
  source.addEventListener("displaced", close); // until the next page joins
  source.addEventListener("check", ({ data }) => (close(), after(Math.random() * data, look)));
}

// After a failure: at once, then longer each time, and not all browsers together.
function pause() {
  const seconds = 2 ** Math.min(failures++, LONGEST_PAUSE) - 1;
  after((0.5 + Math.random()) * 1000 * seconds, look);
}

// One look for all pages. An outage signs nobody out.
async function look() {
  const answer = await fetch(LOOK, { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) {
    close();
    return channel?.postMessage("ended");
  }
  const state = answer?.ok && (await stateIn(answer).catch(() => null)); // null: it was cut short
  if (state) channel?.postMessage({ kind: "session", ...state });
  open();
}

if ("SharedWorkerGlobalScope" in globalThis) {
  addEventListener("connect", ({ ports: [port] }) => (port.onmessage = ({ data }) => serve(data)));
}
