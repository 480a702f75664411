// For private pages: warns before the session ends. When it has, auth.js leaves the page.

import { events, session } from "./gatehouse.js";

const dialog = document.getElementById("session-warning");
const stay = dialog.querySelector("button");
const title = document.title;
let endsAt;

events.addEventListener("expiring", ({ detail }) => warn(detail));
events.addEventListener("renewed", dismiss);
events.addEventListener("unavailable", () => (dialog.querySelector("[data-unknown]").hidden = false));

function warn({ left, final }) {
  endsAt = Date.now() + left;
  stay.hidden = final;
  dialog.querySelector("[data-idle]").hidden = final;
  dialog.querySelector("[data-final]").hidden = !final;
  dialog.querySelector("[data-unknown]").hidden = true;
  document.title = `Signed out soon · ${title}`;
  if (dialog.open) return;
  dialog.showModal();
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

stay.addEventListener("click", () => session().catch(() => null)); // "unavailable" was raised
dialog.addEventListener("close", () => (document.title = title));
