"""Our ZPL is read by our fake and by a renderer that is not ours, and decodes to the same code."""

import base64
import json
import random
import shutil
import string
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from printers import zpl
from printers.draw import draw
from printers.fake.zebra import crc
from printers.paper import LABEL_50X25, Paper

MakeLabel = Callable[..., Paper]
RENDERER = "zpl-renderer-js@3.4.0"
RENDER = """
import { ready } from "zpl-renderer-js";
import { readFileSync, writeFileSync } from "node:fs";
const { api } = await ready;
const labels = JSON.parse(readFileSync("labels.json", "utf8"));
for (const [index, label] of labels.entries()) {
  const png = await api.zplToBase64Async(label, 50, 25, 8);
  writeFileSync(`${index}.png`, Buffer.from(png, "base64"));
}
"""


def written(bits: str, width: int, *, compressed: bool) -> bytes:
    image = Image.frombytes("1", (width, len(bits) * 4 // width), bytes.fromhex(bits), "raw", "1;I")
    return zpl.zpl(image, LABEL_50X25, compressed=compressed)


def test_the_plain_form_is_as_the_manual_writes_it() -> None:
    assert written("80ff017e", 16, compressed=False) == (
        b"^XA^PW400^LL2^LH0,0^FO0,0^GFA,4,4,2,80FF017E^FS^PQ1,0,1,N^XZ"
    )


def test_the_packed_form_unpacks_to_the_same_dots_under_its_check() -> None:
    told = written("80ff017e", 16, compressed=True)
    head, _, rest = told.partition(b":Z64:")
    text, check, _ = rest.replace(b"^", b":").split(b":", 2)
    assert head == b"^XA^PW400^LL2^LH0,0^FO0,0^GFA,4,4,2,"
    assert zlib.decompress(base64.b64decode(text)) == bytes.fromhex("80ff017e")
    assert int(check, 16) == crc(text)


def test_the_check_is_the_one_of_the_standards_example() -> None:
    assert crc(b"123456789") == 0x31C3


@pytest.mark.parametrize(
    ("name", "urgent", "budget"),
    [
        ("MOREAU", False, 2_500),
        ("DE LA ROCHEFOUCAULD-MONTMORENCY", False, 2_500),
        ("DE LA ROCHEFOUCAULD-MONTMORENCY", True, 2_600),
    ],
)
def test_a_label_keeps_its_byte_budget(label: MakeLabel, name: str, budget: int, *, urgent: bool) -> None:
    image = draw(label(name=name, urgent=urgent))
    assert len(zpl.zpl(image, LABEL_50X25)) <= budget
    assert len(zpl.zpl(image, LABEL_50X25, compressed=False)) <= 20_100


def test_nothing_in_a_label_can_become_a_command(label: MakeLabel) -> None:
    told = zpl.zpl(draw(label(name="^XZ~JA", first="^FD")), LABEL_50X25)
    commands = [part[:2] for part in told.decode().replace("~", "^").split("^")[1:]]
    assert commands == ["XA", "PW", "LL", "LH", "FO", "GF", "FS", "PQ", "XZ"]


@pytest.fixture(scope="session")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An independent ZPL renderer in a folder that is thrown away; it works offline once it is there."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is absent: the independent ZPL renderer cannot be fetched")
    folder = tmp_path_factory.mktemp("renderer")
    fetch = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", RENDERER]
    try:
        fetched = subprocess.run(fetch, cwd=folder, check=False, capture_output=True, timeout=90)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer: the independent ZPL renderer cannot be fetched")
    if fetched.returncode:
        pytest.skip("the npm registry is not reachable: the independent ZPL renderer cannot be fetched")
    return folder


@pytest.mark.parametrize("compressed", [True, False])
def test_another_renderer_draws_the_same_dots(renderer: Path, label: MakeLabel, *, compressed: bool) -> None:
    chosen = random.Random(5)
    papers = []
    for _ in range(25):
        name = "".join(chosen.choices(string.ascii_uppercase + "ÉÈÀÇ' -", k=chosen.randint(3, 30))).strip() or "X"
        papers.append(label("".join(chosen.choices(string.digits, k=12)), name=name, urgent=chosen.random() < 0.5))
    told = [zpl.zpl(draw(paper), paper.form, compressed=compressed).decode() for paper in papers]
    (renderer / "labels.json").write_text(json.dumps(told))
    (renderer / "render.mjs").write_text(RENDER)
    subprocess.run(["node", "render.mjs"], cwd=renderer, check=True, capture_output=True, timeout=120)
    for index, paper in enumerate(papers):
        with Image.open(renderer / f"{index}.png") as drawn:
            seen = drawn.convert("L")
        assert [symbol.text for symbol in zxingcpp.read_barcodes(seen)] == paper.symbols()
        assert seen.crop((0, 0, 400, 200)).convert("1", dither=Image.Dither.NONE).tobytes() == draw(paper).tobytes()
