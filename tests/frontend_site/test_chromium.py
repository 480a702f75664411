"""What only a browser knows: Strict cookies, its own reload, tabs, Back, scripts under our CSP."""

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.stub import Stub, hang


def test_a_link_from_elsewhere_finds_the_user_signed_in(person: Person, stub: Stub) -> None:
    person.sign_in()
    person.follow_foreign_link(stub, "/account?from=mail")
    person.wait_for("Ada Lovelace")
    assert person.path == "/account?from=mail"
    for _ in range(2):  # the user's own reload must not end at "please log in"
        person.driver.refresh()
        person.wait_for("Ada Lovelace")


def test_a_link_from_elsewhere_without_a_session_ends_at_login(person: Person, stub: Stub) -> None:
    person.follow_foreign_link(stub, "/account")
    person.wait_for("Keep me signed in")
    assert person.path == "/login?next=/account"


def test_a_mailed_link_works_for_someone_signed_in(
    person_without_javascript: Person, stub: Stub
) -> None:
    person = person_without_javascript
    person.sign_in()
    person.follow_foreign_link(stub, "/email/verify?token=mailed")
    person.wait_for("Confirm my address")
    person.type(password="correct horse battery staple")
    person.press("main form")
    person.wait_for("Address confirmed")
    assert stub.seen[-1].json == {"token": "mailed", "password": "correct horse battery staple"}


def test_a_mailed_token_leaves_the_address_bar(person: Person) -> None:
    person.open("/email/verify?token=mailed")
    wait(person.driver).until(lambda _: person.path == "/email/verify")
    person.type(password="correct horse battery staple")
    person.press("main form")
    person.wait_for("Address confirmed")


def test_signing_out_reaches_every_tab(person: Person) -> None:
    person.sign_in()
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.open("/account")
    person.press("header form")
    person.wait_for("You have been signed out")
    person.driver.switch_to.window(first)
    wait(person.driver).until(lambda _: person.path.startswith("/login"))


def test_back_after_sign_out_shows_nothing_private(person: Person) -> None:
    person.sign_in()
    person.press("header form")
    person.wait_for("You have been signed out")
    person.driver.back()
    wait(person.driver).until(lambda _: person.path == "/login?next=/account")
    assert "Ada Lovelace" not in person.driver.page_source


def sign_in_with_a_stale_form(person: Person) -> None:
    """Two tabs show the login form; the second signs in and out, then the first is sent."""
    person.open("/login")
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.sign_in()
    person.driver.switch_to.window(first)
    person.type(email="ada@example.com", password="x")
    person.press("main form")


def test_the_script_renews_the_token_of_a_stale_form(person: Person) -> None:
    sign_in_with_a_stale_form(person)
    person.wait_for("Ada Lovelace")


def test_without_a_script_a_stale_form_is_offered_again(person_without_javascript: Person) -> None:
    person = person_without_javascript
    sign_in_with_a_stale_form(person)
    person.wait_for("Your entries are still here")
    person.type(password="x")
    person.press("main form")
    person.wait_for("Ada Lovelace")


def test_a_double_click_is_one_sign_in(person: Person, stub: Stub) -> None:
    stub.answers["POST /v1/login"] = hang(stub.wake)
    person.open("/login")
    person.type(email="ada@example.com", password="x")
    person.driver.execute_script(
        "const b = document.querySelector('main form [type=submit]'); b.click(); b.click();"
    )
    wait(person.driver).until(lambda _: stub.calls)
    stub.wake.set()
    person.wait_for("cannot check that right now")
    assert stub.calls == ["POST /v1/login"]


def test_show_password(person: Person) -> None:
    person.open("/login")
    person.type(password="visible")
    field = person.driver.find_element(By.NAME, "password")
    button = person.driver.find_element(By.CSS_SELECTOR, "[data-reveal]")
    button.click()
    assert (field.get_attribute("type"), button.text) == ("text", "Hide")
    assert button.accessible_name == "Hide password"
    button.click()
    assert (field.get_attribute("type"), button.text) == ("password", "Show")
    assert button.accessible_name == "Show password"


def test_no_page_breaks_its_own_policy_or_stores_anything(person: Person) -> None:
    person.sign_in()
    mailed = ("/email/verify?token=x", "/sessions/disown?token=x")
    private = ("/account", "/account/sessions", "/account/activity")
    for path in ("/", "/login", "/logout", "/register", *mailed, *private):
        person.open(path)
    assert person.complaints == []
    script = "return [localStorage.length, sessionStorage.length, document.cookie]"
    local, session, cookies = person.driver.execute_script(script)
    assert (local, session) == (0, 0)
    assert "__Host-session" not in cookies


_WORKERS = """
const done = arguments[0], found = {};
const note = (name) => (error) => (found[name] = error?.constructor?.name ?? "started");
const other = "/static/frontend_site/gatehouse.js";
const attempt = async (name, act) => { try { note(name)(await act()); } catch (error) { note(name)(error); } };
(async () => {
  await attempt("text", () => void new SharedWorker(other));
  await attempt("policy", () => void trustedTypes.createPolicy("mine", {}));
  const policy = trustedTypes.createPolicy("gatehouse-stream", { createScriptURL: (url) => url });
  const url = policy.createScriptURL(other);
  for (const kind of [Worker, SharedWorker])
    await attempt(kind.name, () => new Promise((end) => {
      const worker = new kind(url, { type: "module" });
      worker.onerror = end;
      setTimeout(end, 5000);
    }));
  await attempt("service", () => navigator.serviceWorker.register(url).then(() => undefined));
})().then(() => done(found), (error) => done(String(error)));
"""


def test_no_other_file_becomes_a_worker(person: Person) -> None:
    """Even a script that took the one policy for itself starts none."""
    person.open("/")  # a page without the stream: the policy's name is free
    assert person.driver.execute_async_script(_WORKERS) == {
        "text": "TypeError", "policy": "TypeError", "Worker": "Event", "SharedWorker": "Event",
        "service": "DOMException",
    }  # fmt: skip


def test_json_opened_as_a_page_shows_no_data(person: Person) -> None:
    person.sign_in()
    person.open("/api/auth/session")
    assert "ada@example.com" not in person.driver.page_source


@pytest.mark.parametrize("width", [320, 1200])
def test_nothing_runs_out_of_the_window(person: Person, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    person.sign_in()
    private = ("/account", "/account/sessions", "/account/activity")
    for path in ("/", *private, "/login", "/logout", "/register", "/sessions/disown", "/nope"):
        person.open(path)
        script = "return document.documentElement.scrollWidth <= innerWidth"
        assert person.driver.execute_script(script), path
