"""Evidence: what is taken and what is not, how it is kept, and to whom and how it is handed out (P8.5)."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from django.db import connections
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from disputes.models import Evidence
from disputes.operations import open_dispute, rule_dispute
from disputes.operations.evidence import PIECES_OF_A_SIDE, add_evidence, clear_unreferenced_files, inspect
from disputes.operations.file_types import JPEG, PDF, PNG, WEBP, name_for, type_of
from instainstru import clock
from instainstru.notifications.models import Message
from payments.policy.states import DisputeRuling, Party
from tests.bookings.factories import InstructorFactory
from tests.disputes.conftest import PDF_BYTES, kept_in, picture, upload
from tests.factories import UserFactory
from tests.pages import signed_in

SCRIPT = b"<html><script>alert(document.cookie)</script></html>"
TAKEN = {
    "png": (picture("PNG"), PNG),
    "jpeg": (picture("JPEG"), JPEG),
    "several-jpegs-in-one": (picture("MPO"), JPEG),
    "webp": (picture("WEBP"), WEBP),
    "pdf": (PDF_BYTES, PDF),
    "a-picture-that-goes-on-as-a-page": (picture("PNG") + SCRIPT, PNG),
    "a-pdf-that-goes-on-as-a-page": (PDF_BYTES + SCRIPT, PDF),
}
NOT_TAKEN = {
    "a-page": SCRIPT,
    "a-page-before-a-pdf": SCRIPT + PDF_BYTES,
    "a-page-before-a-picture": SCRIPT + picture(),
    "a-drawing-with-scripts": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "half-a-pdf": PDF_BYTES[:20],
    "half-a-picture": picture()[:20],
    "gif": picture("GIF"),
    "tiff": picture("TIFF"),
    "a-program": b"MZ\x90\x00" + bytes(200),
    "an-archive": b"PK\x03\x04" + bytes(200),
    "nothing": b"",
    "a-bomb": picture()[:16] + b"\x00\x01\x86\xa0\x00\x01\x86\xa0" + picture()[24:],  # 100,000 by 100,000
}


@pytest.fixture
def case(stage, lesson):
    return open_dispute(
        booking=lesson, actor=stage.student, by=Party.STUDENT, statement="It was short.", now=clock.now()
    )


@pytest.fixture
def sam(api, stage):
    return api(stage.student)


def show(client, case, key: str | None = None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(reverse("api:case-evidence", args=[case.ref]), body, format="multipart", headers=headers)


def problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestWhatIsTaken:
    @pytest.mark.parametrize(("content", "kind"), TAKEN.values(), ids=TAKEN)
    def test_pictures_and_pdf_by_their_content(self, content, kind):
        assert type_of(BytesIO(content)) == kind

    @pytest.mark.parametrize("content", NOT_TAKEN.values(), ids=NOT_TAKEN)
    def test_nothing_else(self, content):
        assert type_of(BytesIO(content)) is None

    @given(st.sampled_from(sorted(TAKEN)), st.data())
    @hypothesis_settings(max_examples=200, deadline=None)
    def test_no_spoilt_file_makes_us_stumble(self, name, data):
        content = bytearray(TAKEN[name][0])
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

        type_of(BytesIO(bytes(content[: data.draw(st.integers(0, len(content)))])))

    @pytest.mark.parametrize("name", NOT_TAKEN)
    def test_whatever_a_name_or_a_header_claims(self, sam, case, media, name):
        answer = show(sam, case, file=upload(NOT_TAKEN[name], "proof.png", "image/png"))

        assert problem(answer) in [(422, "file_type_not_accepted"), (400, "validation_failed")]  # empty: by DRF
        assert kept_in(media) == []
        assert not Evidence.objects.exists()

    def test_a_false_name_is_put_right(self, sam, case):
        shown = show(sam, case, file=upload(picture(), "invoice.html", "text/html")).json()

        assert (shown["file"]["name"], shown["file"]["content_type"]) == ("invoice.html.png", "image/png")

    @pytest.mark.parametrize(
        ("called", "becomes"),
        [
            ("../../etc/passwd", "passwd.pdf"),
            ("..\\..\\windows\\system.ini", "system.ini.pdf"),
            ("/", "file.pdf"),
            ("...", "file.pdf"),
            ("a\r\nSet-Cookie: x=y.pdf", "aSet-Cookie: x=y.pdf"),
            ("re\u202efdp.exe", "refdp.exe.pdf"),
            ("x" * 300 + ".PDF", "x" * 196 + ".PDF"),
            ("x" * 300, "x" * 196 + ".pdf"),
            ("Rechnung März.pdf", "Rechnung März.pdf"),
        ],
    )
    def test_names_lead_nowhere(self, called, becomes):
        assert name_for(PDF, called=called) == becomes


class TestHowMuch:
    def test_no_file_larger_than_we_keep(self, sam, case, media, settings):
        settings.LARGEST_UPLOAD = len(PDF_BYTES)
        assert show(sam, case, file=upload()).status_code == 201

        answer = show(sam, case, file=upload(PDF_BYTES + b" "), statement="The whole log.")

        assert problem(answer) == (413, "file_too_large")
        assert len(kept_in(media)) == Evidence.objects.count() == 1

    def test_of_a_file_that_is_too_large_nothing_is_written_down(self, sam, case, media, settings, tmp_path):
        settings.FILE_UPLOAD_TEMP_DIR = tmp_path
        large = PDF_BYTES + bytes(settings.LARGEST_UPLOAD)

        assert problem(show(sam, case, file=upload(large))) == (413, "file_too_large")
        assert kept_in(tmp_path) == []

    def test_twenty_pieces_a_side_and_case(self, stage, sam, api, case):
        for number in range(PIECES_OF_A_SIDE):
            add_evidence(case=case, actor=stage.student, by=Party.STUDENT, statement=str(number), now=clock.now())

        assert problem(show(sam, case, statement="One more.")) == (409, "too_much_evidence")
        assert show(api(stage.instructor), case, statement="My first.").status_code == 201
        assert show(sam, case, statement="7").status_code == 201  # shown already

    def test_something_has_to_be_shown(self, sam, case):
        assert problem(show(sam, case, statement="  ")) == (400, "validation_failed")
        assert problem(sam.post(reverse("api:case-evidence", args=[case.ref]), {})) == (400, "validation_failed")

    def test_words_alone_come_as_json_too(self, sam, case):
        answer = sam.post(reverse("api:case-evidence", args=[case.ref]), {"statement": "I have a witness."})

        assert (answer.status_code, answer.json()["file"]) == (201, None)


class TestOnce:
    def test_the_same_shown_twice_is_shown_once(self, sam, case, media):
        first, again = (show(sam, case, file=upload(), statement="The log.") for _ in range(2))

        assert first.json() == again.json()
        assert len(kept_in(media)) == Evidence.objects.count() == 1

    def test_a_key_repeats_its_answer_and_belongs_to_one_request(self, sam, case, media):
        first, again = (show(sam, case, key="once", file=upload()) for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert problem(show(sam, case, key="once", file=upload(picture()))) == (422, "idempotency_key_reused")
        assert len(kept_in(media)) == 1

    def test_a_case_that_has_ended_takes_nothing(self, stage, sam, case, ruler):
        rule_dispute(
            booking=case.booking,
            ruling=DisputeRuling.INSTRUCTOR_WINS,
            actor=ruler,
            reason="Heard both.",
            now=clock.now(),
        )

        assert problem(show(sam, case, statement="But listen.")) == (409, "evidence_closed")


class TestHowItIsKept:
    def test_under_a_name_that_nobody_is_told(self, sam, case, media):
        shown = show(sam, case, file=upload(name="../../proof.pdf")).json()

        (kept,) = kept_in(media)
        assert kept.parent == media / "evidence"
        assert len(kept.name) == 64
        assert kept.name not in str(shown)
        assert kept.read_bytes() == PDF_BYTES
        assert oct(kept.stat().st_mode & 0o777) == "0o600"
        piece = Evidence.objects.get()
        assert (piece.bytes, piece.file_name) == (len(PDF_BYTES), "proof.pdf")
        assert shown["file"]["sha256"] == piece.sha256 == inspect(upload()).sha256

    def test_by_no_address_of_its_own(self, stage, sam, case):
        show(sam, case, file=upload())
        name = Evidence.objects.get().file.name

        for path in (f"/{name}", f"/media/{name}", f"/static/{name}", f"/api/v1/{name}"):
            assert signed_in(stage.student).get(path).status_code == 404

    def test_what_a_crash_left_is_cleared_away_a_day_after(self, stage, sam, case, media):
        show(sam, case, file=upload())
        orphan = default_storage.save("evidence/orphan", upload())
        assert clear_unreferenced_files() == 0  # its row may be about to be written

        for path in kept_in(media):
            two_days_ago = (clock.wall() - timedelta(days=2)).timestamp()
            os.utime(path, (two_days_ago, two_days_ago))

        assert clear_unreferenced_files() == 1
        assert not default_storage.exists(orphan)
        assert [kept.read_bytes() for kept in kept_in(media)] == [PDF_BYTES]

    def test_clearing_an_empty_place_is_nothing(self, db):
        assert clear_unreferenced_files() == 0


class TestHandingOut:
    HEADERS = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }

    @pytest.mark.parametrize(
        ("content", "name", "disposition", "content_type"),
        [
            (PDF_BYTES, "log.pdf", 'attachment; filename="log.pdf"', "application/pdf"),
            (picture("JPEG"), "room.jpg", 'inline; filename="room.jpg"', "image/jpeg"),
            (picture() + SCRIPT, "März.html", "inline; filename*=utf-8''M%C3%A4rz.html.png", "image/png"),
        ],
    )
    def test_as_what_it_is_and_nothing_else(self, stage, api, sam, case, content, name, disposition, content_type):
        href = show(sam, case, file=upload(content, name)).json()["file"]["href"]

        answer = api(stage.instructor).get(href, headers={"Accept": "image/png"})

        assert answer.status_code == 200
        assert b"".join(answer.streaming_content) == content
        assert (answer["Content-Type"], answer["Content-Disposition"]) == (content_type, disposition)
        assert answer["Content-Length"] == str(len(content))
        assert self.HEADERS.items() <= answer.headers.items()

    def test_to_the_parties_and_staff_alone(self, stage, api, staff, sam, case):
        href = show(sam, case, file=upload()).json()["file"]["href"]
        other_instructor = InstructorFactory().user

        for user in (stage.student, stage.instructor, staff):
            assert b"".join(api(user).get(href).streaming_content) == PDF_BYTES
        for stranger in (UserFactory(), other_instructor):
            assert api(stranger).get(href).status_code == 404
        assert api(None).get(href).status_code == 401

    def test_words_have_no_file(self, sam, case):
        ref = show(sam, case, statement="I have a witness.").json()["ref"]

        assert sam.get(reverse("api:evidence-file", args=[ref])).status_code == 404


class TestAtOnce:
    @pytest.fixture(autouse=True)
    def unthrottled(self, settings):
        """One user sends here what many would."""
        rates = {"DEFAULT_THROTTLE_RATES": {"read": "9999/min", "write": "9999/min", "money": "9999/min"}}
        settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | rates

    def all_at_once(self, requests):
        def send(request):
            try:
                return request()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(send, requests))

    def test_the_same_from_many_threads_is_shown_once(self, stage, api, case, media):
        clients = [api(stage.student) for _ in range(6)]

        answers = self.all_at_once([partial(show, client, case, file=upload()) for client in clients])

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["ref"] for answer in answers}) == 1
        assert len(kept_in(media)) == Evidence.objects.count() == 1

    def test_no_more_than_twenty_slip_through(self, stage, api, case):
        for number in range(PIECES_OF_A_SIDE - 2):
            add_evidence(case=case, actor=stage.student, by=Party.STUDENT, statement=str(number), now=clock.now())
        clients = [api(stage.student) for _ in range(6)]

        answers = self.all_at_once(
            [partial(show, client, case, statement=f"One more {number}") for number, client in enumerate(clients)]
        )

        assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409, 409]
        assert Evidence.objects.count() == PIECES_OF_A_SIDE


def test_the_other_side_is_told_once_that_there_is_something_to_answer(stage, sam, case):
    for number in range(3):
        show(sam, case, statement=f"Piece {number}")

    told = Message.objects.filter(key="case_opened", context__what__icontains="has shown evidence")
    assert [message.recipient for message in told] == [stage.instructor]
