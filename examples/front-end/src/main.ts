import { events, fetch, Problem, session, watch, type Current, type ProblemDocument } from "/gatehouse.js";

const element = (id: string): HTMLElement => document.getElementById(id)!;

function show(current: Current | null): void {
  element("who").textContent = current ? `Signed in as ${current.user.email}` : "Not signed in";
  element("others").hidden = !current;
  element("sign-in").hidden = Boolean(current);
}

async function endOtherSessions(): Promise<void> {
  const answer = await fetch("/api/auth/sessions/revoke-others", { method: "POST" });
  if (answer.ok) {
    const { revoked }: { revoked: number } = await answer.json();
    element("who").textContent = `Ended ${revoked} other sessions`;
  } else {
    const problem: ProblemDocument = await answer.json();
    element("who").textContent = problem.detail;
  }
}

events.addEventListener("signed-out", () => show(null));
events.addEventListener("unavailable", ({ detail }) => console.warn(`Try again in ${detail.retryAfter} s`));
element("others").addEventListener("click", () => void endOtherSessions());

try {
  const current = await session();
  show(current);
  if (current) await watch();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  element("who").textContent = `${error.kind}: ${error.message}`;
}
