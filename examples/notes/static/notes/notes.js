import { fetch } from "/gatehouse.js";

const line = document.getElementById("count");
const answer = await fetch(line.dataset.url);
if (answer.ok) {
  const { notes } = await answer.json();
  line.textContent = `Notes: ${notes}`;
}
