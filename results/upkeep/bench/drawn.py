"""What stands on a screen, measured in Chromium: how soon it is drawn, whether it moves, when a call is shown."""

import http.client
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from results.upkeep.bench.rounds import Broken, Ground, Measure, Row, Sides, Unmeasured
from results.upkeep.bench.served import leave_in_line
from results.upkeep.bench.serving import Browser, laboratory, secretary, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

Found = TypeVar("Found")

#: Debian's browser, never a downloaded one.
CHROMIUM: Final = Path("/usr/bin/chromium")
#: The notes' limits: milliseconds to the largest drawing, how far things move, milliseconds of a call to the board.
DRAWN_MS, MOVED, CALL_MS = 800.0, 0.02, 150.0
#: The kiosk stands upright, the board hangs across.
KIOSK, BOARD = ("/", (1080, 1920)), ("/board", (1920, 1080))
#: Milliseconds in which a page that is drawn may still move.
STILL: Final = 500
#: Calls of one side of a round, and who waits for them.
CALLS, IN_LINE = 20, 40

_WATCH_DRAWING: Final = """
window.moved = 0; window.drawn = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.moved += one.value; })
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.drawn = one.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""
#: When a number came on the board, told on the clock that the bench reads too.
_WATCH_NUMBER: Final = """
window.came = [];
document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => requestAnimationFrame(() => window.came.push(Date.now())))
    .observe(document.getElementById("number"), { childList: true, characterData: true, subtree: true });
});
"""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One page as it came up: milliseconds to its largest drawing, and how far things moved."""

    after: float
    moved: float


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A browser that lives in a thread of its own, where alone its library lets it be asked."""

    thread: ThreadPoolExecutor
    browser: "Chromium"

    def do(self, act: "Callable[[Chromium], Found]") -> Found:
        """Do something with the browser."""
        return self.thread.submit(act, self.browser).result()


@contextmanager
def chromium(_: Ground) -> Iterator[Screen]:
    """The machine's Chromium.

    Raises:
        Unmeasured: where it, or what drives it, is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only where tests are installed
    except ImportError:
        raise Unmeasured("Chromium n'est pas piloté : installez les outils de test") from None
    if not CHROMIUM.exists():
        raise Unmeasured(f"Chromium absent : {CHROMIUM}")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with ThreadPoolExecutor(1) as thread:
        driver = thread.submit(sync_playwright().start).result()
        launch = partial(driver.chromium.launch, executable_path=str(CHROMIUM), args=flags)
        try:
            browser = thread.submit(launch).result()
            yield Screen(thread=thread, browser=browser)
            thread.submit(browser.close).result()
        finally:
            thread.submit(driver.stop).result()


@contextmanager
def _drawing(ground: Ground, *, path: str, size: tuple[int, int]) -> Iterator[Sides]:
    """A page that this browser has never seen, from the address to the picture that stands."""
    lab, port, screen = ground.shared(laboratory), ground.shared(serving).public, ground.shared(chromium)
    leave_in_line(lab, ground, IN_LINE)
    ours = partial(screen.do, partial(_open_anew, address=f"http://localhost:{port}{path}", size=size))
    yield Sides(ours=ours, floor=lambda: Drawn(after=DRAWN_MS, moved=MOVED))


def _open_anew(browser: "Chromium", *, address: str, size: tuple[int, int]) -> Drawn:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="fr-FR")
    try:
        context.add_init_script(_WATCH_DRAWING)
        page = context.new_page()
        page.goto(address, wait_until="load")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.wait_for_timeout(STILL)
        after, moved = page.evaluate("() => [window.drawn, window.moved]")
    finally:
        context.close()
    if not after:
        raise Broken(f"{address} n'a rien dessiné")
    return Drawn(after=after, moved=moved)


@contextmanager
def _call_on_board(ground: Ground) -> Iterator[Sides]:
    """From the key « Suivant » at a counter to the number in the waiting room, over both programmes."""
    lab, served, screen = ground.shared(laboratory), ground.shared(serving), ground.shared(chromium)
    cookies = secretary(ground)

    def ours() -> float:
        leave_in_line(lab, ground, IN_LINE)
        return screen.do(watched)

    def watched(browser: "Chromium") -> float:
        context = browser.new_context(viewport={"width": BOARD[1][0], "height": BOARD[1][1]})
        try:
            context.add_init_script(_WATCH_NUMBER)
            page = context.new_page()
            with page.expect_response("**/board/state"):  # asked again when its stream has opened
                page.goto(f"http://localhost:{served.public}/board", wait_until="load")
            page.wait_for_timeout(STILL)
            return _ninety_five([_called(page) for _ in range(CALLS)])
        finally:
            context.close()

    def _called(page: "Page") -> float:
        seen = page.evaluate("() => window.came.length")
        with closing(Browser(served.staff, dict(cookies))) as counter:
            counter.look("/file")
            pressed = ground.now().timestamp()
            status, _, _ = counter.ask("/file/appeler", {"form_key": ground.chance(16).hex()})
        if status != http.client.SEE_OTHER:
            raise Broken(f"un appel répond {status}")
        page.wait_for_function("(seen) => window.came.length > seen", arg=seen)
        came: float = page.evaluate("(seen) => window.came[seen]", seen)
        return came - 1000 * pressed

    yield Sides(ours=ours, floor=lambda: CALL_MS)


def _ninety_five(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def _drawn(name: str, path: str, size: tuple[int, int]) -> Measure:
    return Measure(
        rows=(
            Row(
                name=f"{name}_drawn", group="web", unit="ms", goal="<=1.0",
                pick=lambda ours, floor: (ours.after, floor.after),
            ),
            Row(
                name=f"{name}_moved", group="web", unit="CLS", goal="<=1.0",
                pick=lambda ours, floor: (ours.moved, floor.moved),
            ),
        ),
        open=partial(_drawing, path=path, size=size),
    )  # fmt: skip


DRAWN: Final = (
    _drawn("kiosk", *KIOSK),
    _drawn("board", *BOARD),
    Measure(
        rows=(Row(name="call_on_board", group="line", unit="ms", goal="<=1.0"),),
        open=_call_on_board,
    ),
)
