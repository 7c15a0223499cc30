"""The voice says what stands on a page for everybody, numbers and desks; never what somebody typed."""

import shutil
import subprocess
import wave
from pathlib import Path

import pytest

from kiosk import places, waiting
from kiosk.counter.turns import call_next
from kiosk.door.languages import LANGUAGES
from kiosk.door.speaking import place_words
from kiosk.door.voice import KEPT, PAGES, VOICES, Voice
from kiosk.line.estimate import Range
from kiosk.register.visits import Purpose, Stage
from tests.kiosk.conftest import Reception

spoken = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not on this machine")


@spoken
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_its_voice(tmp_path: Path, language: str) -> None:
    known = subprocess.run(["espeak-ng", "--voices"], capture_output=True, text=True, check=True).stdout
    assert f" {VOICES[language]} " in known
    file = Voice(tmp_path / "voice").page(language, "home")
    assert file is not None
    with wave.open(str(file)) as sound:
        assert sound.getnframes() / sound.getframerate() > 2


@spoken
def test_a_sound_is_made_once_and_the_oldest_make_room(tmp_path: Path) -> None:
    voice = Voice(tmp_path / "voice")
    first = voice.sound("fr", ["un"])
    assert first is not None
    made = first.stat().st_ino
    assert voice.sound("fr", ["un"]) == first
    assert first.stat().st_ino == made
    for place in range(KEPT):
        (tmp_path / "voice" / f"{place}.wav").touch()
    voice.sound("fr", ["deux"])
    assert len(list((tmp_path / "voice").glob("*.wav"))) == KEPT


@spoken
def test_words_are_never_options_of_the_programme(tmp_path: Path) -> None:
    file = Voice(tmp_path / "voice").sound("fr", ["--version", "-w /tmp/elsewhere", "$(id)"])
    assert file is not None
    assert file.stat().st_size > 10_000


def test_without_the_programme_there_is_no_button_and_no_sound(reception: Reception, tmp_path: Path) -> None:
    reception.app.extensions["house"].more["voice"] = Voice(tmp_path, program="no-such-programme")
    assert "Écouter" not in reception.open("/")
    assert reception.client.get("/spoken/fr/home.wav", base_url="https://localhost").status_code == 404
    assert call(reception) == []


@spoken
def test_every_page_has_its_words_and_there_are_no_others(reception: Reception) -> None:
    assert 'href="/spoken/fr/home.wav"' in reception.open("/")
    for path in ("fr/home.wav", "ar/fasting.wav", "tr/number/42.wav"):
        answer = reception.client.get(f"/spoken/{path}", base_url="https://localhost")
        assert answer.status_code == 200
        assert answer.data.startswith(b"RIFF")
    for path in ("xx/home.wav", "fr/Moreau.wav", "fr/number/0.wav", "fr/number/10000.wav", "fr/../../kiosk.toml.wav"):
        assert reception.client.get(f"/spoken/{path}", base_url="https://localhost").status_code in {404, 308}


def test_the_words_of_the_pages_hold_nothing_to_fill_in() -> None:
    assert all("%" not in sentence for page in PAGES.values() for sentence in page)


def test_a_desk_is_named_in_the_language_and_a_room_of_its_own_name_keeps_it() -> None:
    assert place_words("fr", "Guichet 2") == "Guichet 2"
    assert place_words("en", "Guichet 2") == "Desk 2"
    assert place_words("tr", "Salle 1") == "Oda 1"
    assert place_words("en", "Box Curie") == "Box Curie"


def call(reception: Reception, language: str = "fr") -> list[str]:
    with reception.staff.transaction() as db:
        waiting.take_number(
            db, reception.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
            at=reception.at, chance=reception.chance, key=reception.chance(16).hex(), language=language,
        )  # fmt: skip
        ranked = places.first_in_turn(db, reception.site, Stage.COUNTER, at=reception.at, first=1)
        call_next(
            db, reception.site, Stage.COUNTER, ranked, desk="Guichet 2", by="sophie", at=reception.at,
            chance=reception.chance, key=reception.chance(16).hex(),
        )  # fmt: skip
    state = reception.client.get("/board/state", base_url="https://localhost").get_json()
    return list(state["calls"][0]["spoken"])


@spoken
def test_the_board_speaks_french_then_the_language_of_the_ticket(reception: Reception) -> None:
    assert [address.split("/")[2] for address in call(reception)] == ["fr"]
    reception.passes(1)
    heard = call(reception, "ar")
    assert [address.split("/")[2] for address in heard] == ["fr", "ar"]
    for address in heard:
        assert reception.client.get(address, base_url="https://localhost").status_code == 200
    assert (
        reception.client.get(heard[0].replace(heard[0][-40:-36], "0000"), base_url="https://localhost").status_code
        == 404
    )


@spoken
def test_each_of_two_calls_at_once_brings_its_words_and_an_old_one_none(reception: Reception) -> None:
    call(reception)
    call(reception)
    last, before = reception.client.get("/board/state", base_url="https://localhost").get_json()["calls"]
    assert [one["spoken"] == [f"/spoken/fr/call/{one['id']}.wav"] for one in (last, before)] == [True, True]
    reception.passes(1)
    last, before = reception.client.get("/board/state", base_url="https://localhost").get_json()["calls"]
    assert (last["spoken"], before["spoken"]) == ([], [])
