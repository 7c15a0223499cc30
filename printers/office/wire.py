"""The way to an office printer: one question a connection, encrypted, to the very printer that was written down."""

import contextlib
import hashlib
import http.client
import socket
import ssl
from urllib.parse import urlsplit

from printers.errors import NotUnderstood, Refused, Unreachable, WrongCertificate
from printers.office.ipp import MEDIA_TYPE
from printers.station.devices import Broken, dial

PORT = 631  #: of the protocol, encrypted or not (RFC 7472, RFC 8011)
_LONGEST = 1 << 20  #: bytes of an answer
_PIECE = 16 << 10  #: bytes handed over at once


class Wire:
    """An open connection to an office printer, for one question and its answer."""

    def __init__(self, address: str, fingerprint: str, *, answer_s: float) -> None:
        """Dial, and over the network look whose certificate is shown before a byte of a paper is anywhere near.

        Raises:
            Unreachable: nobody answers.
            WrongCertificate: somebody else answers.
        """
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or PORT
        self._path = parts.path or "/"
        raw = dial(self._host, self._port)
        raw.settimeout(answer_s)
        try:
            self._socket = _secured(raw, fingerprint) if parts.scheme == "ipps" else raw
        except BaseException:
            raw.close()
            raise

    def ask(self, question: bytes, document: bytes = b"", *, answer_s: float | None = None) -> bytes:
        """Hand over a question with the document that follows it, and wait for the answer; the connection is used up.

        Raises:
            Broken: the printer takes no more; `given` bytes had left.
            Unreachable: all was handed over, no answer came.
            Refused: the printer takes no such question from us: not this document, or not without a password.
            NotUnderstood: an answer that is none.
        """
        host = f"[{self._host}]" if ":" in self._host else self._host
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {host}:{self._port}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(question) + len(document)}\r\nConnection: close\r\n\r\n"
        )
        with contextlib.closing(self._socket):
            self._give(head.encode("ascii") + question + document)
            if answer_s is not None:
                self._socket.settimeout(answer_s)
            return self._answer()

    def close(self) -> None:
        """Hang up without a question."""
        self._socket.close()

    def _give(self, data: bytes) -> None:
        given = 0
        try:
            while given < len(data):
                given += self._socket.send(data[given : given + _PIECE])
        except OSError as fault:
            raise Broken(given) from fault

    def _answer(self) -> bytes:
        answer = http.client.HTTPResponse(self._socket, method="POST")
        try:
            answer.begin()
            body = answer.read(_LONGEST + 1)
        except (OSError, http.client.HTTPException) as fault:
            raise Unreachable("the printer gave no answer") from fault
        finally:
            answer.close()
        if 400 <= answer.status < 500:
            raise Refused(f"the printer answers {answer.status}")
        if answer.status != 200 or len(body) > _LONGEST:
            raise NotUnderstood(f"the printer answers {answer.status}")
        return body


def fingerprint_of(address: str, *, answer_s: float = 5.0) -> str:
    """The SHA-256 of the certificate that an ipps:// printer shows now, for a person to compare with its own screen."""
    parts = urlsplit(address)
    raw = dial(parts.hostname or "", parts.port or PORT)
    raw.settimeout(answer_s)
    try:
        with _wrapped(raw) as secured:
            return _shown(secured)
    finally:
        raw.close()


def _secured(raw: socket.socket, fingerprint: str) -> ssl.SSLSocket:
    secured = _wrapped(raw)
    if _shown(secured) != fingerprint:
        secured.close()
        raise WrongCertificate("another certificate than the one that was written down")
    return secured


def _wrapped(raw: socket.socket) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A printer signs for itself: no authority vouches for it, its fingerprint does.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return context.wrap_socket(raw)
    except OSError as fault:
        raise Unreachable("the printer does not speak in private") from fault


def _shown(secured: ssl.SSLSocket) -> str:
    return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
