"""The command that plays days: the same people under every rule, tables and charts that open."""

import csv
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from PIL import Image

from kiosk.line.day import Day
from results.cli import main
from results.upkeep.simulation import simulate as command
from results.upkeep.simulation.charts import PAPER, Chart, draw
from results.upkeep.simulation.plan import Plan
from results.upkeep.simulation.simulate import WAYS, simulate

SMALL = Plan(day=replace(Day(), walk_ins=(6.0, 4.0), booked=(3, 2), counters=(2,), rooms=(2,)))


def table(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.reader(opened, delimiter=";"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One morning to learn from and one to try is enough to see that the estimate is told."""
    monkeypatch.setattr(command, "LEARNT", 1)
    monkeypatch.setattr(command, "TRIED", 1)


@pytest.mark.usefixtures("quick")
def test_tables_and_charts_are_written_and_open(tmp_path: Path) -> None:
    said: list[str] = []
    done: list[None] = []
    simulate(SMALL, tmp_path / "out", days=4, seed=1, progress=lambda: done.append(None), say=said.append)
    assert len(done) == 4 * WAYS
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "comparaison.csv", "comparaison.png", "comparaison.svg", "journee.csv", "journee.png", "journee.svg",
        "retards.png", "retards.svg",
    }  # fmt: skip
    rows = table(tmp_path / "out" / "comparaison.csv")
    assert [row[0] for row in rows[1:]] == [
        "Étiquette", "premier arrivé", "rendez-vous d'abord", "eappointment", "OpenMRS (poids)",
    ]  # fmt: skip
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[2][rows[0].index("dépassements")] == "0,0"  # first come, first served passes nobody
    assert len(table(tmp_path / "out" / "journee.csv")) == 3
    for file in (tmp_path / "out").glob("*.svg"):
        assert ET.fromstring(file.read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314  # our own file
    for file in (tmp_path / "out").glob("*.png"):
        with Image.open(file) as picture:
            assert picture.size == (960, 540)
            assert len(picture.getcolors(1 << 20) or ()) > 3
    assert any("Estimation" in line for line in said)


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_tables(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("again", 5), ("other", 6)):
        simulate(SMALL, tmp_path / name, days=2, seed=seed, progress=lambda: None, say=lambda _: None)
    one, again, other = ((tmp_path / name / "comparaison.csv").read_bytes() for name in ("one", "again", "other"))
    assert one == again != other


def test_a_bad_plan_is_said_in_one_sentence_and_ends_with_two(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("counters = [0]", encoding="utf-8")
    run = CliRunner().invoke(main, ["simulate", "--config", str(tmp_path / "bad.toml"), "--out", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert "au moins un guichet" in run.output
    assert not (tmp_path / "out").exists()


def test_a_file_and_the_past_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").touch()
    told = ["simulate", "--config", str(tmp_path / "plan.toml"), "--from-history", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, told).exit_code == 2


@pytest.mark.usefixtures("quick")
def test_the_command_shows_how_far_it_is_and_what_it_found(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("walk_ins = [4]\nbooked = [2]\ncounters = [1]\n", encoding="utf-8")
    told = ["simulate", "--config", str(tmp_path / "plan.toml"), "--out", str(tmp_path / "out"), "--days", "2"]
    run = CliRunner().invoke(main, told)
    assert run.exit_code == 0, run.output
    assert "Jours joués" in run.output
    assert "premier arrivé" in run.output


def test_words_of_a_chart_cannot_break_its_picture(tmp_path: Path) -> None:
    chart = Chart(title='<b> & "x"', unit="%", places=("a<b",), series={"&": [3.0]}, bars=True)
    svg, png = draw(chart, tmp_path, "odd")
    assert ET.fromstring(svg.read_text(encoding="utf-8")).attrib["aria-label"] == chart.title  # noqa: S314  # our own
    assert png.stat().st_size > 1000


def test_bars_side_by_side_differ_without_their_colours(tmp_path: Path) -> None:
    chart = Chart(title="deux", unit="%", places=("a",), series={"un": [30.0], "deux": [30.0]}, bars=True)
    svg, png = draw(chart, tmp_path, "bars")
    with Image.open(png) as drawn:
        middle = [drawn.convert("L").crop((x, 200, x + 1, 480)).getcolors() for x in (240, 620)]
    assert [len(shades or ()) > 1 for shades in middle] == [False, True]
    assert svg.read_text(encoding="utf-8").count(f'stroke="{PAPER}"') > 10
