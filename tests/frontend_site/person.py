"""Somebody at a real Chromium, in front of the real server and the stub."""

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.chromium import wait
from tests.frontend_site.stub import Canned, Stub


class Person:
    """Somebody at a Chromium."""

    def __init__(self, driver: Chrome, site: str) -> None:
        self.driver = driver
        self.site = site

    def open(self, path: str) -> None:
        self.driver.get(self.site + path)

    def sign_in(self) -> None:
        self.open("/login")
        self.type(email="ada@example.com", password="correct horse battery staple")
        self.press("main form")
        self.wait_for("Ada Lovelace")

    def type(self, **fields: str) -> None:
        for name, value in fields.items():
            self.driver.find_element(By.NAME, name).send_keys(value)

    def press(self, form: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, f"{form} [type=submit]").click()

    def wait_for(self, text: str) -> None:
        wait(self.driver).until(lambda d: text in d.page_source, f"no {text!r}")

    def follow_foreign_link(self, stub: Stub, path: str) -> None:
        """Click a link on another site (127.0.0.1 is not localhost)."""
        page = f'<a id="link" href="{self.site}{path}">go</a>'.encode()
        stub.answers["GET /mail"] = Canned(200, page, content_type="text/html")
        self.driver.get(f"{stub.url}/mail")
        self.driver.find_element(By.ID, "link").click()

    @property
    def path(self) -> str:
        return str(self.driver.current_url).removeprefix(self.site)

    @property
    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]
