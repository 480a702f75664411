// For private pages: warns before the session ends, and leaves the page when it has.
//
// No polling. One look when the page opens and one when the time comes, and neither counts as use;
// what other tabs learn, they tell.

const LEAD = 120_000; // ms before the end
const RETRY = 30_000; // ms, while nobody can tell
const LOOK = "/api/auth/session?slide=false";
const USE = "/api/auth/session";

const dialog = document.getElementById("session-warning");
const stay = dialog.querySelector("button");
const title = document.title;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("gatehouse") : null;
let account; // whom this page is about
let endsAt;
let dueAt = Infinity;
let timer;

function leave() {
  document.body.hidden = true;
  delete document.body.dataset.private; // auth.js of this page hears the channel too
  channel?.postMessage("signed-out");
  const next = encodeURIComponent(location.pathname + location.search);
  location.replace(`/login?notice=session-ended&next=${next}`);
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(answer.status);
  const { user, session } = await answer.json();
  const ends = Date.parse(session.idle_expires_at);
  const now = Date.parse(answer.headers.get("Date")) || Date.now(); // the server's clock
  return { account: user.id, left: ends - now, final: ends >= Date.parse(session.absolute_expires_at) };
}

async function look(path = LOOK) {
  let state;
  try {
    state = await ask(path);
  } catch {
    dialog.querySelector("[data-unknown]").hidden = false;
    return schedule(RETRY); // an outage signs nobody out
  }
  if (!state) return leave();
  heed(state);
  channel?.postMessage({ kind: "session", ...state });
}

function heed(state) {
  account ??= state.account;
  // Another account signed in meanwhile. By GET, whatever made this page.
  if (state.account !== account) return location.replace(location.href.split("#")[0]);
  endsAt = Date.now() + state.left;
  const near = state.left <= LEAD;
  if (near) warn(state.final);
  else dismiss();
  schedule(near ? Math.max(1000, state.left + 1000) : state.left - LEAD);
}

function schedule(ms) {
  clearTimeout(timer);
  dueAt = Date.now() + ms;
  timer = setTimeout(look, Math.min(ms, 2 ** 31 - 1));
}

function warn(final) {
  stay.hidden = final;
  dialog.querySelector("[data-idle]").hidden = final;
  dialog.querySelector("[data-final]").hidden = !final;
  dialog.querySelector("[data-unknown]").hidden = true;
  document.title = `Signed out soon · ${title}`;
  if (!dialog.open) dialog.showModal();
  count();
}

function count() {
  if (!dialog.open) return;
  const seconds = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  dialog.querySelector("[data-left]").textContent = `${minutes}:${String(rest).padStart(2, "0")}`;
  setTimeout(count, 1000);
}

function dismiss() {
  document.title = title;
  if (dialog.open) dialog.close();
}

stay.addEventListener("click", () => look(USE));
dialog.addEventListener("close", () => (document.title = title));
channel?.addEventListener("message", ({ data }) => {
  if (data?.kind === "session") heed(data);
});
// Timers of hidden pages and of machines that slept are late.
function lookIfLate() {
  if (document.visibilityState === "visible" && Date.now() >= dueAt) look();
}
document.addEventListener("visibilitychange", lookIfLate);
window.addEventListener("focus", lookIfLate);
look();
