"""Someone on the telephone, and the person of the laboratory who types what they say."""

import re

from werkzeug.test import TestResponse

from results.callers.calls import Outcome
from results.vault.codes import with_check_digit, write_code
from results.vault.slips import IssuedSlip
from tests.results.cast import PIN, Desks
from tests.staffroom import Browser


class Caller:
    """Someone on the telephone, and the secretary who types what they say."""

    def __init__(self, desks: Desks, browser: Browser) -> None:
        self.desks, self.browser = desks, browser

    def reference(self, handle: str) -> TestResponse:
        self.browser.get("/telephone")
        answer = self.browser.post("/telephone/reference", handle_digits=with_check_digit(handle), form_key=self.key())
        assert answer.status_code == 303, answer.text
        return self.browser.get("/telephone/appel")

    def says(self, page: TestResponse, slip: IssuedSlip, **other: str) -> TestResponse:
        """Say everything rightly but for `other`."""
        hidden = dict(re.findall(r'name="(call|line)" value="([^"]+)"', page.text))
        code = slip.codes[int(hidden["line"]) - 1]
        said = {"code": write_code(code), "pin": PIN, "birth_digits": "28/02/1954", "form_key": self.key()}
        return self.browser.post("/telephone/code", **{**hidden, **said, **other})

    def ends(self, outcome: Outcome, **other: str) -> TestResponse:
        page = self.browser.get("/telephone/fin")
        call = re.findall(r'name="call" value="([^"]+)"', page.text)[0]
        return self.browser.post("/telephone/fin", call=call, outcome=outcome, **other)

    def key(self) -> str:
        return self.desks.chance(16).hex()
