// Progressive enhancement only: every page works without this file.

import { cookieToken, events, watch } from "./gatehouse.js";

const CSRF_FIELD = "csrfmiddlewaretoken";
const body = document.body;

// Show password.

for (const button of document.querySelectorAll("[data-reveal]")) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-label", `${button.textContent} ${button.dataset.label}`);
    input.focus();
  });
}

// Recovery codes: copy and print.

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  const codes = document.getElementById(button.dataset.copy);
  button.addEventListener("click", async () => {
    const lines = [...codes.querySelectorAll("code")].map((code) => code.textContent);
    await navigator.clipboard.writeText(lines.join("\n"));
    button.textContent = "Copied";
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// Stale forms. Signing in or out in another tab changes the token; the cookie has the new one.

function refreshTokens() {
  const token = cookieToken();
  if (!token) return;
  for (const field of document.querySelectorAll(`input[name=${CSRF_FIELD}]`)) field.value = token;
}

async function fetchMissingToken() {
  if (cookieToken() || !document.querySelector(`input[name=${CSRF_FIELD}]`)) return;
  await fetch("/api/auth/csrf", { cache: "no-store" }).catch(() => null);
}

document.addEventListener("visibilitychange", async () => {
  if (document.visibilityState !== "visible") return;
  await fetchMissingToken();
  refreshTokens();
});

// One click, one request.

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
}

for (const form of document.querySelectorAll("form[data-guard]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    refreshTokens();
    for (const input of form.querySelectorAll("input[type=text][autocomplete$=password]")) {
      input.type = "password"; // so that browsers neither keep nor suggest it as text
    }
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("[type=submit]")) button.setAttribute("aria-disabled", "true");
    setTimeout(release, 10_000, form);
  });
}

// A session that ends, here or anywhere, locks every tab; and Back shows nothing private.

let locked = false;

function lock({ detail }) {
  locked = body.hidden = true;
  if (detail) return openAgain(); // another user is signed in now
  // A form that ends its own session, as sign-out and deletion do, leads to a page that says so.
  setTimeout(signInAgain, document.querySelector("form[data-sent]") ? 10_000 : 0);
}

function signInAgain() {
  const next = location.pathname + location.search;
  location.replace(`/login?${new URLSearchParams({ next, notice: "session-ended" })}`);
}

if ("private" in body.dataset) {
  events.addEventListener("signed-out", lock);
  document.addEventListener("DOMContentLoaded", watch); // when every script listens
}

const channel = "BroadcastChannel" in window ? new BroadcastChannel("gatehouse") : null;

function openAgain() {
  location.replace(location.href.split("#")[0]); // by GET, whatever made this page
}

if (channel) {
  channel.addEventListener("message", (event) => {
    if (event.data === "signed-out" && "private" in body.dataset && !locked) openAgain();
  });
  if ("signedOut" in body.dataset) channel.postMessage("signed-out");
}

window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if ("private" in body.dataset) {
    body.hidden = true;
    openAgain();
    return;
  }
  document.querySelectorAll("form[data-guard]").forEach(release);
  refreshTokens();
});

// A mailed token need not stay in the address bar and the history; the form has it.

if ("cleanAddress" in body.dataset && location.search) {
  history.replaceState(null, "", location.pathname);
}

// Browsers do not send the fragment to the server, and keep it in redirects only.

for (const form of document.querySelectorAll("form[data-keep-fragment]")) form.action += location.hash;
for (const address of document.querySelectorAll("[data-show-fragment]")) address.textContent += location.hash;
for (const link of document.querySelectorAll("a[data-keep-fragment]")) {
  link.href += location.hash;
  if (!("open" in link.dataset)) continue;
  history.replaceState(null, "", "/"); // to this page's own address with a fragment, browsers only scroll
  location.replace(link.href);
}

// Times in the reader's own zone.

for (const time of document.querySelectorAll("time[datetime]")) {
  if ("day" in time.dataset || "ago" in time.dataset) continue;
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  time.textContent = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short" }).format(moment);
}
