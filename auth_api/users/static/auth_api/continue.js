// Goes on with a run of an action (users/user/run.html): posts the form again as soon as the page is there.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("form[data-continue]")?.requestSubmit();
});
