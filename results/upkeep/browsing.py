"""A plain reader of our own pages, so that the rehearsal walks the same way as a person: pages, forms, cookies."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, Request, build_opener


@dataclass
class Form:
    """A form of a page: where it goes and what it already holds."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Page:
    """One answer: its status, its address after redirects, its forms and links, its text."""

    status: int
    address: str
    text: str
    source: str
    forms: list[Form]
    links: list[str]

    def form(self, ending: str) -> Form:
        """The first form whose action ends so.

        Raises:
            LookupError: when the page has none.
        """
        for form in self.forms:
            if form.action.split("?")[0].endswith(ending):
                return form
        raise LookupError(f"no form to {ending} on a page with status {self.status}")

    def link(self, containing: str) -> str:
        """The first link whose address holds this.

        Raises:
            LookupError: when the page has none.
        """
        for link in self.links:
            if containing in link:
                return link
        raise LookupError(f"no link to {containing} on a page with status {self.status}")


class Visitor:
    """One browser of one person: it keeps cookies and follows redirects."""

    def __init__(self, base: str) -> None:
        self.base = base
        # http://localhost is a secure context: browsers send Secure cookies there, and so must this one.
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        self._opener = build_opener(HTTPCookieProcessor(CookieJar(policy)))

    def open(self, path: str) -> Page:
        """Ask for a page."""
        return self._send(Request(urljoin(self.base, path)))  # noqa: S310  # our own address

    def submit(self, page: Page, ending: str, *, to: str = "", **values: str | list[str]) -> Page:
        """Send a form of a page with these fields filled in; `to` is what another of its buttons asks for."""
        form = page.form(ending)
        body = urlencode(form.fields | values, doseq=True).encode()
        target = urljoin(page.address, to or form.action)
        return self._send(Request(target, data=body))  # noqa: S310  # our own address

    def _send(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return _read(answer.status, answer.url, answer.read())
        except HTTPError as refused:
            with refused:
                return _read(refused.code, refused.url or self.base, refused.read())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: Form | None = None
        self._choice: str | None = None
        self._area: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(found.get("action", ""), found.get("method", "get"))
            self.forms.append(self._open)
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in {"script", "style", "template"}:
            self._silent += 1
        elif self._open is not None and "name" in found:
            self._field(tag, found)
        elif tag == "option" and self._open is not None and self._choice is not None:
            first = self._choice not in self._open.fields
            self._open.fields[self._choice] = found.get("value", "") if first or "selected" in found else self._kept()

    def _kept(self) -> str:
        return self._open.fields[self._choice] if self._open is not None and self._choice is not None else ""

    def _field(self, tag: str, found: dict[str, str]) -> None:
        form = self._open
        if form is None:
            return
        name, kind = found["name"], found.get("type", "text")
        if tag == "button":
            form.buttons.append((name, found.get("value", "")))
        elif tag == "select":
            self._choice = name
        elif tag == "textarea":
            self._area = name
            form.fields[name] = ""
        elif tag == "input" and (kind not in {"checkbox", "radio", "submit"} or "checked" in found):
            form.fields[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._choice = None
        elif tag == "textarea":
            self._area = None
        elif tag in {"script", "style", "template"}:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._open is not None:
            self._open.fields[self._area] += data
        elif not self._silent and data.strip():
            self.words.append(" ".join(data.split()))


def _read(status: int, address: str, body: bytes) -> Page:
    source = body.decode("utf-8", "strict")
    reader = _Reader()
    reader.feed(source)
    return Page(status, address, " ".join(reader.words), source, reader.forms, reader.links)
