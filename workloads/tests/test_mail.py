import unittest

from . import support  # noqa: F401
from millwright_workloads.mail import MAX_CHARACTERS, readable_text


class ReadableText(unittest.TestCase):
    def test_keeps_subject_and_body_and_no_other_header(self) -> None:
        raw = (
            b"From: someone@corp.example\nDate: Thu, 22 Aug 2002 12:36:23 +0100\nX-Spam-Status: Yes, hits=9\n"
            b"List-Id: <exmh-workers.example>\nReceived: from relay.example\nSubject: Hello\n\nHow are you?\n"
        )
        self.assertEqual(readable_text(raw), "Hello\n\nHow are you?")

    def test_drops_what_the_way_of_collecting_left(self) -> None:
        raw = (
            b"Subject: [ILUG] Re: disks\n\nURL: http://feed.example/1\nDate: Not supplied\n\nTry badblocks, zzzz@example.com says.\n"
            b"SPAM: -------------------- Start SpamAssassin results\n"
            b"X-Spam-Level: ***\nSee http://lists.example/mailman/listinfo/ilug\n\n"
            b"_______________________________________________\nIrish Linux Users' Group mailing list\nilug@linux.example\n"
        )
        text = readable_text(raw)
        self.assertEqual(text, "Re: disks\n\nTry badblocks, says.")

    def test_decodes_transfer_encodings_charsets_and_encoded_words(self) -> None:
        raw = (
            b"Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\nContent-Type: text/plain; charset=iso-8859-1\n"
            b"Content-Transfer-Encoding: quoted-printable\n\nsch=F6n\n"
        )
        self.assertEqual(readable_text(raw), "Grüße\n\nschön")

    def test_shows_html_as_a_reader_sees_it(self) -> None:
        raw = (
            b"Subject: x\nContent-Type: text/html\n\n<html><head><title>t</title></head><body><!-- hidden -->"
            b"<p>Buy&nbsp;<b>no</b>w</p><script>evil()</script><a href=\"http://shop.example/a\">here</a></body></html>"
        )
        self.assertEqual(readable_text(raw), "x\n\nBuy now http://shop.example/a here")

    def test_prefers_plain_text_and_ignores_attachments(self) -> None:
        raw = (
            b'Subject: x\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nplain\n'
            b"--b\nContent-Type: text/html\n\n<p>marked up</p>\n"
            b'--b\nContent-Type: text/plain; name="a.txt"\nContent-Disposition: attachment; filename="a.txt"\n\nattached\n--b--\n'
        )
        self.assertEqual(readable_text(raw), "x\n\nplain")

    def test_survives_what_is_broken(self) -> None:
        for raw in (
            b"",
            b"\xff\xfe\x00",
            b"Subject: =?nonsense?B?@@@?=\n\n\x80\x81",
            b"Subject: x\nContent-Type: text/plain; charset=no-such\n\nbody\xe9",
            b"Subject: x\nContent-Type: multipart/mixed\n\nno boundary",
            b"Subject: x\nContent-Transfer-Encoding: base64\n\n%%%",
        ):
            with self.subTest(raw=raw):
                self.assertIsInstance(readable_text(raw), str)

    def test_is_bounded(self) -> None:
        self.assertLessEqual(len(readable_text(b"Subject: x\n\n" + b"long words " * 100_000)), MAX_CHARACTERS)


if __name__ == "__main__":
    unittest.main()
