"""A scanner that types, before a real browser: trusted keys whose own clock says 5 ms, however slow the machine is."""

from playwright.sync_api import Page

from kiosk.register import clock

#: Seconds from key to key. A page tells a scanner from a person by the keys' own times, so the test gives them.
PACE = 0.005


def wedge(page: Page, words: str, *, pace: float = PACE) -> None:
    """What a scanner that types does, wherever the focus is: key after key, then Enter.

    Args:
        page: the page that is open, under no clock but its own.
        words: capitals and digits, as on the code.
        pace: seconds from key to key; a tenth of one is a person.
    """
    line = page.context.new_cdp_session(page)
    at = clock.now().timestamp()
    for place, sign in enumerate([*words, "Enter"]):
        code = sign if sign == "Enter" else ("Digit" if sign.isdigit() else "Key") + sign
        told = {"key": sign, "code": code, "timestamp": at + place * pace}
        line.send("Input.dispatchKeyEvent", told | {"type": "keyDown", "text": "\r" if sign == "Enter" else sign})
        line.send("Input.dispatchKeyEvent", told | {"type": "keyUp"})
