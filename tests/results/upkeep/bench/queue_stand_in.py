"""A programme that answers like Free Queue Manager where the bench asks it, and does nothing else."""

import argparse
import re
import sqlite3
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

TABLES = """
CREATE TABLE displays (id INTEGER PRIMARY KEY, announce TEXT);
INSERT INTO displays VALUES (0, 'en-us');
CREATE TABLE serials (
    id INTEGER PRIMARY KEY, number INTEGER, timestamp DATETIME, date DATE, name TEXT, n BOOLEAN, p BOOLEAN,
    pdt DATETIME, pulledBy INTEGER, on_hold BOOLEAN, status TEXT, office_id INTEGER, task_id INTEGER
);
"""
TAKE = (
    "INSERT INTO serials (number, timestamp, name, n, p, on_hold, status, office_id, task_id)"
    " SELECT max(number) + 1, datetime('now'), ?, 1, 0, 0, 'Waiting', 1, 1 FROM serials"
)
CALL = "UPDATE serials SET p = 1 WHERE id = (SELECT min(id) FROM serials WHERE p = 0 AND number <> 100)"


class Answers(BaseHTTPRequestHandler):
    """Forms with a token, an account, an office, a task, tickets and calls."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Pages, and the call: it is a link there."""
        if self.path == "/language_switch/en":
            self.goes("/", session="a visitor")
        elif self.path == "/pull/1/1":
            with rows() as db:
                db.execute(CALL)
            self.goes("/task/1/1" if self.is_admin() else "/log/b")
        else:
            self.says(200, '<input id="csrf_token" name="csrf_token" type="hidden" value="t">')

    def do_POST(self) -> None:
        """Forms."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if sent["csrf_token"] != ["t"]:
            self.says(200, "again")
        elif self.path == "/":
            good = sent["name"] + sent["password"] == ["Admin", "admin"]
            self.goes("/manage" if good else "/log/a", session="Admin" if good else "")
        elif self.path.startswith("/serial/"):
            with rows() as db:
                db.execute(TAKE, sent["name"])
            self.goes("/touch/1")
        else:
            if self.is_admin() and self.path.startswith("/task_a/"):
                with rows() as db:
                    db.execute("INSERT INTO serials (number, p) VALUES (100, 1)")
            self.goes("/all_offices" if self.is_admin() else "/log/b")

    def is_admin(self) -> bool:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        return cookie is not None and cookie.value == "Admin"

    def goes(self, where: str, session: str = "") -> None:
        cookie = {"Set-Cookie": f"session={session}"} if session else {}
        self.says(302, f'<a href="{where}">', {"Location": where} | cookie)

    def says(self, status: int, page: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(page)), "Content-Type": "text/html", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Keep quiet."""


def rows() -> sqlite3.Connection:
    return sqlite3.connect("data.sqlite", timeout=10)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--cli", action="store_true")
    asked.add_argument("--quiet", action="store_true")
    asked.add_argument("--ip")
    asked.add_argument("--port", type=int)
    told = asked.parse_args()
    if not re.search(r'"": *\{"en": *""\}', Path("gt_cached.json").read_text(encoding="utf-8")):
        sys.exit("it would ask a service outside at each ticket")
    with rows() as database:
        database.executescript(TABLES)
    ThreadingHTTPServer((told.ip, told.port), Answers).serve_forever()
