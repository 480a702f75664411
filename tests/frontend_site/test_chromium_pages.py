"""What the pages are for people with a keyboard, a screen reader, a password manager or a small screen."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.frontend_site.person import Person
from tests.frontend_site.stub import Stub, problem

PUBLIC = ("/", "/login", "/login/enrol", "/register", "/password/forgot", "/email/verify?token=x")
PRIVATE = (
    "/account",
    "/account/sessions",
    "/account/security",
    "/account/activity",
    "/account/password",
)
# Links within a sentence are exempt (WCAG 2.5.8, Inline).
SMALL_TARGETS = """
return [...document.querySelectorAll("a, button, input:not([type=hidden])")]
  .filter((target) => target.checkVisibility() && !target.matches("p:not(.aside, .more) > a, .skip"))
  .filter((target) => {
    const { width, height } = target.getBoundingClientRect();
    return width < 24 || height < 24;
  })
  .map((target) => target.outerHTML);
"""
HEADER_ROWS = """
const tops = [...document.querySelectorAll(".bar > *")].map((part) => part.getBoundingClientRect());
return [tops[1].top < tops[0].bottom, document.documentElement.scrollWidth];
"""


@pytest.fixture
def small_screen(person: Person) -> Person:
    metrics = {"width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return person


def test_after_an_error_the_focus_is_on_a_summary_that_links_to_the_fields(
    person: Person, stub: Stub
) -> None:
    errors = {"password": ["Use at least 15 characters."], "token": ["Required."]}
    stub.answers["POST /v1/register"] = problem("invalid-request", 400, errors=errors)
    person.open("/register")
    assert not person.driver.title.startswith("Error:")
    person.type(email="ada@example.com", password="short")
    person.press("main form")
    person.wait_for("Use at least 15 characters")
    assert person.driver.title.startswith("Error: Create account")
    summary: Any = person.driver.switch_to.active_element
    assert summary.aria_role == "alert"
    [link] = summary.find_elements(By.TAG_NAME, "a")
    assert link.text == "Password"
    link.click()
    assert person.driver.switch_to.active_element.get_attribute("name") == "password"


def test_without_a_script_the_focus_is_there_too(
    person_without_javascript: Person, stub: Stub
) -> None:
    person = person_without_javascript
    stub.answers["POST /v1/login"] = problem("invalid-credentials", 401)
    person.open("/login")
    person.type(email="ada@example.com", password="wrong")
    person.press("main form")
    person.wait_for("Incorrect e-mail address")
    assert person.driver.switch_to.active_element.aria_role == "alert"
    assert person.driver.title.startswith("Error: Sign in")


def test_on_a_small_screen_targets_are_large_and_nothing_overflows(small_screen: Person) -> None:
    pages = {}
    for path in PUBLIC:
        small_screen.open(path)
        pages[path] = faults(small_screen)
    small_screen.sign_in()
    for path in PRIVATE:
        small_screen.open(path)
        pages[path] = faults(small_screen)
    assert pages == dict.fromkeys(pages, ([], True, True))


def faults(person: Person) -> tuple[list[str], bool, bool]:
    """Return targets that are too small, whether the header has one row, and whether the page fits."""
    in_one_row, width = person.driver.execute_script(HEADER_ROWS)
    return person.driver.execute_script(SMALL_TARGETS), in_one_row, width <= 320


def test_after_a_form_that_is_too_long_what_was_typed_is_still_there(person: Person) -> None:
    person.open("/password/forgot")
    person.type(email="ada@example.com")
    person.driver.execute_script("""
        const long = document.createElement("textarea");
        [long.name, long.value] = ["long", "x".repeat(70000)];
        document.querySelector("main form").append(long);
    """)
    person.press("main form")
    person.wait_for("browsers usually keep what you typed")
    person.driver.back()
    wait(person.driver).until(
        lambda driver: driver.find_element(By.NAME, "email").get_attribute("value")
    )
    email = person.driver.find_element(By.NAME, "email")
    assert email.get_attribute("value") == "ada@example.com"
