"""The board shows numbers and desks, as they stand now, and nothing else."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from flask import appcontext_pushed

from kiosk import waiting
from kiosk.counter.passage import advance
from kiosk.counter.turns import call_next
from kiosk.line.estimate import Range
from kiosk.places import first_in_turn
from kiosk.register.visits import Move, Purpose, Stage, Verb, visit_of
from kiosk.waiting import WhatWasSaid
from tests.kiosk.conftest import Reception


def arrives(reception: Reception) -> int:
    said = WhatWasSaid(kind="name", word="ZZY", birth_date="19520214")
    with reception.staff.transaction() as db:
        return waiting.take_number(
            db, reception.site, wait=Range(low=0, high=5), purpose=Purpose.BOOKED, said=said, by="Borne 1",
            at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        ).number  # fmt: skip


def calls(reception: Reception, desk: str) -> UUID:
    reception.passes(0.1)
    with reception.staff.transaction() as db:
        return call_next(
            db, reception.site, Stage.COUNTER,
            first_in_turn(db, reception.site, Stage.COUNTER, at=reception.at, first=1),
            desk=desk, by="sophie", at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        ).id  # fmt: skip


def moves(reception: Reception, visit: UUID, verb: Verb, desk: str | None = None) -> None:
    reception.passes(0.1)
    with reception.staff.transaction() as db:
        advance(
            db, visit_of(db, visit), verb, by="sophie", at=reception.at, chance=reception.chance,
            key=reception.chance(16).hex(), desk=desk,
        )  # fmt: skip


def board(reception: Reception) -> dict[str, Any]:
    answer = reception.client.get("/board/state", base_url="https://localhost")
    assert answer.status_code == 200
    return dict(answer.get_json())


def shown(reception: Reception) -> list[tuple[int, str]]:
    return [(call["number"], call["desk"]) for call in board(reception)["calls"]]


def test_an_empty_morning_says_so_and_shows_no_number(reception: Reception) -> None:
    assert "Aucun numéro appelé pour le moment." in reception.open("/board")
    assert board(reception) == {"calls": [], "range": "Attente : moins de 5 min", "hour": "8 h 30"}


def test_the_last_call_stands_first_and_five_former_ones_after_it(reception: Reception) -> None:
    for _ in range(8):
        arrives(reception)
    for n in range(8):
        calls(reception, f"Guichet {1 + n % 2}")
    assert shown(reception) == [
        (8, "Guichet 2"), (7, "Guichet 1"), (6, "Guichet 2"), (5, "Guichet 1"), (4, "Guichet 2"), (3, "Guichet 1"),
    ]  # fmt: skip


def test_a_call_taken_back_leaves_the_board(reception: Reception) -> None:
    arrives(reception)
    visit = calls(reception, "Guichet 1")
    assert shown(reception) == [(1, "Guichet 1")]
    moves(reception, visit, Verb.UNDO)
    assert shown(reception) == []


def test_a_number_called_again_stands_once_and_its_tag_flashes_anew(reception: Reception) -> None:
    arrives(reception)
    visit = calls(reception, "Guichet 1")
    before = board(reception)["calls"]
    moves(reception, visit, Verb.RECALL)
    after = board(reception)["calls"]
    assert [(call["number"], call["desk"]) for call in after] == [(1, "Guichet 1")]
    assert before[0]["id"] != after[0]["id"]


def test_the_board_holds_numbers_and_desks_and_nothing_of_a_person(reception: Reception) -> None:
    arrives(reception)
    calls(reception, "Guichet 1")
    state = board(reception)
    assert state.keys() == {"calls", "range", "hour"}
    assert all(call.keys() == {"id", "number", "desk", "spoken"} for call in state["calls"])
    for text in (reception.open("/board"), str(state)):
        assert "ZZY" not in text
        assert "1952" not in text


def test_asking_again_costs_nothing_while_nothing_changed(reception: Reception) -> None:
    first = reception.client.get("/board/state", base_url="https://localhost")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert reception.client.get("/board/state", base_url="https://localhost", headers=tag).status_code == 304
    arrives(reception)
    calls(reception, "Guichet 1")
    assert reception.client.get("/board/state", base_url="https://localhost", headers=tag).status_code == 200


def test_yesterday_s_calls_are_gone_in_the_morning(reception: Reception) -> None:
    arrives(reception)
    calls(reception, "Guichet 1")
    reception.passes(24 * 60)
    assert shown(reception) == []


def test_what_an_event_brings_is_what_the_board_would_ask_for(reception: Reception) -> None:
    arrives(reception)
    calls(reception, "Guichet 1")
    stream = reception.client.get(
        "/board/events", base_url="https://localhost", headers={"Last-Event-ID": "0"}, buffered=False
    )
    lines = iter(stream.response)
    told = [str(next(lines), "utf-8") for _ in range(2)]  # type: ignore[call-overload]
    stream.close()
    assert shown(reception) == [(1, "Guichet 1")]
    assert [json.loads(one.partition("data: ")[2]) for one in told] == [board(reception)] * 2


def test_of_all_the_boards_that_hear_of_an_event_one_alone_makes_a_request_more(reception: Reception) -> None:
    arrives(reception)
    made: list[object] = []

    def count(app: object) -> None:
        made.append(app)

    with appcontext_pushed.connected_to(count, reception.app):
        streams = [
            reception.client.get(
                "/board/events", base_url="https://localhost", headers={"Last-Event-ID": "0"}, buffered=False
            )
            for _ in range(5)
        ]
        told = {str(next(iter(one.response)), "utf-8") for one in streams}  # type: ignore[call-overload]
    for one in streams:
        one.close()
    assert len(told) == 1
    assert len(made) == len(streams) + 1


def test_boards_that_ask_together_read_the_line_once(reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[datetime] = []
    reads = waiting.last_calls

    def counted(*place: Any, **when: Any) -> list[Move]:
        read.append(reception.at)
        return reads(*place, **when)

    monkeypatch.setattr(waiting, "last_calls", counted)
    arrives(reception)
    calls(reception, "Guichet 1")
    for _ in range(5):
        board(reception)
    assert len(read) == 1
    arrives(reception)
    calls(reception, "Guichet 2")
    assert shown(reception)[0] == (2, "Guichet 2")
    assert len(read) == 2
    reception.passes(1)  # another minute, another hour on the wall
    board(reception)
    assert len(read) == 3
