"""The wall of routes: each app opens what its table names, to whom the table says, and a GET changes nothing."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from werkzeug.routing import Rule

from kiosk.register.staff import Right
from results.roof.menu import MENU, VISIT_TABS
from results.roof.routes import ROUTES
from tests.staffroom import Browser, Room, open_room

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
#: What may be asked before anybody has signed in; a new line here is a decision.
OPEN = {
    "static_file", "health.livez", "health.readyz", "signin.door", "signin.enter", "signin.leave",
    "enrolling.first_time", "enrolling.invitation", "enrolling.take_over", "returning.lock", "returning.come_back",
}  # fmt: skip
#: What the phone desk asks a recent proof for, and what asks six digits of its own.
FRESH = {
    "phone.desk_page", "phone.open_call", "physician.desk_page", "physician.open_call", "physician.ring",
    "passed_on.calls_page", "passed_on.call_page", "without_slip.ask_page", "without_slip.note",
    "without_slip.ring_list", "without_slip.ring_page",
}  # fmt: skip
RAISED = {
    "accounts.people", "accounts.add", "accounts.propose", "accounts.ask_role_end", "accounts.close",
    "accounts.start_reset", "confirming.confirm", "computers.listed", "computers.add", "computers.take_away",
    "pairing.listed", "pairing.let_in", "pairing.send_away", "morning.go_on",
}  # fmt: skip
#: Values that stand for the parts of an address.
PARTS = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1", "default": "x", "string": "x", "path": "x"}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    chance: Callable[[int], bytes] = Random(7).randbytes
    folder: Path = tmp_path_factory.mktemp("staff")
    with open_room(folder, at=datetime(2026, 11, 21, 7, 30, tzinfo=UTC), chance=chance) as opened:
        yield opened


def rules(room: Room) -> list[tuple[Rule, str]]:
    """Every rule with each of its methods."""
    return [
        (rule, method)
        for rule in room.app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def address(rule: Rule) -> str:
    """An address that the rule matches."""
    return re.sub(r"<(?:(\w+)(?:\(([^)]*)\))?:)?\w+>", part, rule.rule)


def part(found: re.Match[str]) -> str:
    """A value for one part of an address: the first word of a list, else one of its kind."""
    return found[2].split(",")[0].strip(" '") if found[1] == "any" else PARTS[found[1] or "default"]


def ask(browser: Browser, rule: Rule, method: str) -> tuple[int, dict[str, str]]:
    answer = browser.get(address(rule)) if method == "GET" else browser.post(address(rule))
    answer.close()
    return answer.status_code, dict(answer.headers)


def test_the_table_and_the_map_name_the_same_routes(room: Room) -> None:
    assert {rule.endpoint for rule in room.app.url_map.iter_rules()} == set(ROUTES)
    assert set(ROUTES.values()) <= {"open", *Right}
    assert {endpoint for endpoint, wanted in ROUTES.items() if wanted == "open"} == OPEN


def test_each_view_carries_the_right_that_the_table_names(room: Room) -> None:
    for endpoint, wanted in ROUTES.items():
        right = getattr(room.app.view_functions[endpoint], "right", "open")
        assert right == wanted, endpoint


def test_each_view_that_gives_power_asks_six_digits_more_and_the_phone_desk_a_recent_proof(room: Room) -> None:
    asked = {endpoint: getattr(room.app.view_functions[endpoint], "asks", "") for endpoint in ROUTES}
    assert {endpoint for endpoint, question in asked.items() if question == "is_fresh"} == FRESH
    assert {endpoint for endpoint, question in asked.items() if question == "is_raised"} == RAISED
    assert {endpoint for endpoint, wanted in ROUTES.items() if wanted in {Right.ACCOUNTS, Right.PAIR}} <= RAISED


def test_a_route_looks_or_changes_and_never_both(room: Room) -> None:
    assert {method for _, method in rules(room)} <= {"GET", "POST"}
    for rule in room.app.url_map.iter_rules():
        assert not {"GET", "POST"} <= (rule.methods or set()), rule.endpoint


def test_without_a_sign_in_every_view_is_closed(room: Room) -> None:
    visitor = room.browser()
    visitor.get("/entrer")
    closed = 0
    for rule, method in rules(room):
        if ROUTES[rule.endpoint] != "open":
            assert ask(visitor, rule, method)[0] == 401, rule.endpoint
            closed += 1
    assert closed == sum(1 for rule, _ in rules(room) if ROUTES[rule.endpoint] != "open")
    assert closed > 0


def test_every_change_wants_the_pages_own_token(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in("sophie")
    for rule, method in rules(room):
        if method == "POST":
            sophie.token = ""
            assert ask(sophie, rule, method)[0] == 400, rule.endpoint


def test_a_person_without_the_right_is_refused_by_every_view(room: Room) -> None:
    for login, actor in room.people.items():
        room.later(seconds=60)
        browser = room.browser()
        browser.sign_in(login)
        browser.get("/")
        for rule, method in rules(room):
            wanted = ROUTES[rule.endpoint]
            if wanted != "open" and not actor.may(Right(wanted)):
                assert ask(browser, rule, method)[0] == 403, (login, rule.endpoint)


def test_every_answer_carries_the_headers_and_no_cookie_but_ours(room: Room) -> None:
    visitor = room.browser()
    for rule, method in rules(room):
        _, headers = ask(visitor, rule, method)
        assert {name: headers.get(name) for name in HEADERS} == HEADERS, rule.endpoint
        if rule.endpoint != "static_file":
            assert headers["Cache-Control"] == "no-store", rule.endpoint
        cookie = headers.get("Set-Cookie", "__Host-etiquette-staff=; Secure; HttpOnly; Path=/; SameSite=Strict")
        assert cookie.startswith("__Host-etiquette-staff=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))


def test_an_address_that_is_in_no_table_is_answered_with_the_same_care(room: Room) -> None:
    answer = room.browser().get("/nowhere/at/all")
    assert answer.status_code == 404
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_menu_and_the_tabs_lead_to_pages_that_can_be_looked_at(room: Room) -> None:
    looked = {rule.endpoint for rule, method in rules(room) if method == "GET"}
    for entry in (*MENU, *VISIT_TABS):
        assert entry["endpoint"] in looked
