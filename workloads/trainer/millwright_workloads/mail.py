"""What a mail says: its subject and the text a reader would see, without the traces of how it was collected.

The corpus was collected from a few mailboxes and lists, and its headers give the label away: which host received the
mail and when, which list delivered it, what a filter thought of it. None of that is there, or the same, for a mail that
arrives at a model in service, so a model that learns it scores well in the test and fails in use. Hence only the subject
and the readable body are kept, and of these are removed: list tags in the subject, mailing-list and advertising footers,
the headers some feeds repeat in the body, the markers of a filter's report, and the host names and addresses the
corpus's maintainers put in place of the real ones.
"""

from __future__ import annotations

import email
import email.policy
import html
import re
import unicodedata
from email.message import Message

_LIST_TAG = re.compile(r"\[[^\]\n]{1,40}\]")
_FOOTER = re.compile(
    r"^(?:_{20,}|-{20,})\s*\n(?:(?!\n\n)[\s\S]){0,600}?(?:mailing list|sponsored by|DeathToSpam)[\s\S]*\Z",
    re.IGNORECASE | re.MULTILINE,
)
_LIST_LINE = re.compile(
    r"^.*(?:listinfo|mailman|mailing list|list-?(?:un)?subscribe|yahoogroups?|DeathToSpam|groups\.yahoo|"
    r"spamassassin|sourceforge\.net/lists).*$",
    re.IGNORECASE | re.MULTILINE,
)
_FEED_HEADER = re.compile(r"\A\s*(?:(?:URL|Date|From):[^\n]*\n)+", re.IGNORECASE)
_SPAM_REPORT = re.compile(r"^(?:SPAM:.*|.*\bX-Spam-.*)$", re.MULTILINE)
_PLACEHOLDER = re.compile(
    r"(?:[\w.+-]+@)?[\w.-]*\b(?:taint\.org|netnoteinc\.com|jmason\.org|example\.com|spamassassin\.org)\b|"
    r"\b(?:zzzz|yyyy)(?:zason)?\b",
    re.IGNORECASE,
)

_INVISIBLE = re.compile(r"<!--.*?-->|<(script|style|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"<a\b[^>]*?href\s*=\s*[\"']?([^\s\"'>]+)[^>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|p|div|tr|li|h[1-6]|table|hr)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z/!?][^<>]*>", re.IGNORECASE)
_LOOKS_LIKE_HTML = re.compile(r"<(?:html|body|table|font|br|p|a\s+href|div)\b[^>]*>", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n+")

MAX_CHARACTERS = 20_000
"""Longer texts are cut here: far beyond what a network reads, and it bounds what one hostile mail can cost."""


def readable_text(raw: bytes) -> str:
    """The subject, an empty line, and the body of one RFC 822 mail, cleaned; empty when the mail says nothing."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    subject = _clean_subject(message)
    body = clean_body(_body(message))
    return f"{subject}\n\n{body}".strip()[:MAX_CHARACTERS]


def html_to_text(markup: str) -> str:
    """What a reader sees of HTML; the targets of links stay, since a reader can see them too."""
    text = _INVISIBLE.sub(" ", markup)
    text = _LINK.sub(r" \1 ", text)
    text = _BREAK.sub("\n", text)
    text = _TAG.sub("", text)
    return html.unescape(text)


def clean_body(text: str) -> str:
    """Body text without what the way it was collected left in it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _FEED_HEADER.sub("", text)
    text = _FOOTER.sub("", text)
    text = _SPAM_REPORT.sub("", text)
    text = _LIST_LINE.sub("", text)
    text = _PLACEHOLDER.sub(" ", text)
    return _tidy(text)


def _clean_subject(message: Message) -> str:
    subject = _decoded_header(message.get("Subject", ""))
    subject = _LIST_TAG.sub(" ", subject)
    return _tidy(_PLACEHOLDER.sub(" ", subject)).replace("\n", " ")


def _decoded_header(value: object) -> str:
    parts = []
    for chunk, charset in _decode_words(str(value)):
        parts.append(chunk if isinstance(chunk, str) else _decode(chunk, charset))
    return "".join(parts)


def _decode_words(value: str) -> list[tuple[bytes | str, str | None]]:
    from email.errors import HeaderParseError
    from email.header import decode_header

    try:
        return decode_header(value)
    except HeaderParseError:
        # A broken encoded word is shown as it stands by mail readers, too.
        return [(value, None)]


def _body(message: Message) -> str:
    plain: list[str] = []
    marked_up: list[str] = []
    for part in message.walk():
        if part.is_multipart() or part.get_filename() is not None:
            continue
        kind = part.get_content_type()
        if kind == "text/plain":
            text = _part_text(part)
            (marked_up if _LOOKS_LIKE_HTML.search(text) else plain).append(text)
        elif kind == "text/html":
            marked_up.append(_part_text(part))
    if any(text.strip() for text in plain):
        return "\n\n".join(plain)
    return "\n\n".join(html_to_text(text) for text in marked_up)


def _part_text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return _decode(payload, part.get_content_charset())


def _decode(data: bytes, charset: str | None) -> str:
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        # Unknown or wrong charsets are common in spam; Latin-1 maps every byte, so nothing is lost.
        return data.decode("latin-1")


def _tidy(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\x00", "")
    text = _BLANKS.sub(" ", text)
    return _BLANK_LINES.sub("\n\n", text).strip()
