"""The account pages: with cookies and CSRF tokens, without a script."""

import re
from html.parser import HTMLParser

import pytest
from django.core import mail
from django.test import Client

from instainstru.accounts.models import User
from instainstru.notifications.tasks import sweep_unsent_messages
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "an entirely different phrase"
NEWCOMER = {
    "role": "instructor",
    "name": "Nora New",
    "email": "Nora@Example.com",
    "time_zone": "America/Chicago",
    "password1": PASSWORD,
    "password2": PASSWORD,
}

# --- Who sees what ------------------------------------------------------------------------------------------------

PAGES = {  # status for a stranger, and for anybody who is signed in
    "/": (200, 200),
    "/login": (200, 302),
    "/register": (200, 302),
    "/password/forgotten": (200, 200),
    "/password/forgotten/sent": (200, 200),
    "/password/new/MQ/abc-def": (200, 200),
    "/profile": (302, 200),
    "/password": (302, 200),
    "/messages": (302, 200),
    "/api/docs": (200, 200),
    "/api/problems": (200, 200),
    "/no-such-page": (404, 404),
    "/logout": (405, 405),
}


@pytest.mark.parametrize("who", [None, "student", "instructor", "staff"])
@pytest.mark.parametrize("path", PAGES)
def test_who_sees_which_page(request, client, path, who):
    if who:
        client.force_login(request.getfixturevalue(who))

    assert client.get(path).status_code == PAGES[path][who is not None]


NAVIGATION = {
    None: {"Log in", "Register"},
    "student": {"Messages", "Sam", "Log out"},
    "instructor": {"Messages", "Ines", "Log out"},
    "staff": {"Back office", "Messages", "Stella", "Log out"},
}


@pytest.mark.parametrize(("who", "entries"), NAVIGATION.items())
def test_the_navigation_is_the_roles_own(request, client, who, entries):
    if who:
        client.force_login(request.getfixturevalue(who))

    nav = re.search(r"<nav.*?</nav>", client.get("/").content.decode(), re.DOTALL).group()
    shown = set(re.findall(r">([^<>]+)</(?:a|button)>", nav))

    assert entries <= shown
    assert not (set.union(*NAVIGATION.values()) - entries) & shown


class Outline(HTMLParser):
    """What a page must have for everybody who can't see it as drawn."""

    def __init__(self, page):
        super().__init__()
        self.headings, self.labelled, self.controls, self.inline = [], set(), {}, []
        self.landmarks = set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in {"main", "nav", "header", "footer"}:
            self.landmarks.add(tag)
        if tag == "label" and "for" in given:
            self.labelled.add(given["for"])
        if tag in {"input", "select", "textarea"} and given.get("type") not in {"hidden", "radio", "checkbox"}:
            self.controls[given.get("id")] = given
        if "style" in given or any(name.startswith("on") for name in given) or tag == "style":
            self.inline.append((tag, given))
        if tag == "script" and "src" not in given:
            self.inline.append((tag, given))


@pytest.mark.parametrize("path", [path for path, (status, _) in PAGES.items() if status == 200 and path != "/api/docs"])
def test_every_page_can_be_used_without_seeing_it(client, path):
    outline = Outline(client.get(path).content.decode())

    assert outline.headings.count(1) == 1
    assert outline.headings == sorted(outline.headings, key=lambda level: level > 1)
    assert outline.landmarks == {"main", "nav", "header", "footer"}
    assert outline.controls.keys() <= outline.labelled
    assert outline.inline == []  # the content security policy would not let it through


def test_a_fault_is_tied_to_its_field(client):
    page = client.post("/register", NEWCOMER | {"email": "nora"}).content.decode()

    [control] = re.findall(r'<input[^>]*name="email"[^>]*>', page)
    assert 'aria-invalid="true"' in control
    [described_by] = re.findall(r'aria-describedby="([^"]+)"', control)
    assert all(f'id="{described}"' in page for described in described_by.split())


# --- Registering and logging in -----------------------------------------------------------------------------------


def test_a_newcomer_registers_and_is_logged_in(client):
    response = client.post("/register", NEWCOMER, follow=True)

    user = User.objects.get()
    assert (user.email, user.role, user.time_zone) == ("nora@example.com", "instructor", "America/Chicago")
    assert user.check_password(PASSWORD)
    assert response.context["user"] == user
    assert "Welcome, Nora." in response.content.decode()


REFUSED = {
    "staff": {"role": "staff"},
    "taken": {"email": "TAKEN@example.com"},
    "weak": {"password1": "1234567890", "password2": "1234567890"},
    "typo": {"password2": "another phrase altogether"},
    "zone": {"time_zone": "Mars/Olympus"},
}


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED)
def test_a_registration_that_cannot_be_shows_the_form_again(client, changed):
    UserFactory(email="taken@example.com")

    response = client.post("/register", NEWCOMER | changed)

    assert response.status_code == 200
    assert 'class="fault"' in response.content.decode()
    assert PASSWORD not in response.content.decode()
    assert User.objects.count() == 1


def test_logging_in_leads_to_where_one_wanted_to_go(client, student):
    wanted = client.get("/messages").headers["Location"]

    response = client.post(wanted, {"username": student.email.upper(), "password": PASSWORD})

    assert response.headers["Location"] == "/messages"


def test_nobody_is_led_away_from_our_site(client, student):
    response = client.post("/login", {"username": student.email, "password": PASSWORD, "next": "https://evil.example/"})

    assert response.headers["Location"] == "/"


def test_wrong_password_unknown_address_and_inactive_account_look_alike(client, student):
    UserFactory(email="former@example.com", is_active=False)
    attempts = [(student.email, "guess"), ("nobody@example.com", PASSWORD), ("former@example.com", PASSWORD)]

    faults = [
        client.post("/login", {"username": email, "password": password}).context["form"].errors.as_json()
        for email, password in attempts
    ]

    assert faults == [faults[0]] * 3
    assert "The e-mail address or the password is wrong." in faults[0]


def test_guessing_on_the_page_and_in_the_api_is_counted_together(client, api, student):
    for _ in range(5):
        client.post("/login", {"username": student.email, "password": "guess"})
        api(None).post("/api/v1/auth/login", {"email": student.email, "password": "guess"})

    response = client.post("/login", {"username": student.email, "password": PASSWORD})  # however right it is

    assert response.status_code == 429
    assert "too often" in response.content.decode()
    assert int(response.headers["Retry-After"]) > 0
    assert not response.context["user"].is_authenticated


def test_logging_out_takes_a_post(client, student):
    client.force_login(student)

    assert client.get("/logout").status_code == 405
    response = client.post("/logout", follow=True)

    assert "You are logged out." in response.content.decode()
    assert not response.context["user"].is_authenticated


def test_a_form_from_elsewhere_is_refused_and_says_what_to_do(student):
    client = Client(enforce_csrf_checks=True)

    response = client.post("/login", {"username": student.email, "password": PASSWORD})

    assert response.status_code == 403
    assert "Please send it again" in response.content.decode()


# --- The account --------------------------------------------------------------------------------------------------


def test_the_profile_is_changed(client, student):
    client.force_login(student)

    response = client.post("/profile", {"name": "Sam Two", "time_zone": "Asia/Tokyo", "role": "staff"}, follow=True)

    student.refresh_from_db()
    assert (student.name, student.time_zone, student.role) == ("Sam Two", "Asia/Tokyo", "student")
    assert "JST" in response.content.decode()  # the footer's clock


def test_an_unusable_profile_leaves_the_navigation_as_it_was(client, student):
    client.force_login(student)

    page = client.post("/profile", {"name": "", "time_zone": "Mars/Olympus"}).content.decode()

    assert 'class="fault"' in page
    assert ">Sam<" in page


def test_a_new_password_keeps_this_session_and_ends_the_others(client, api, student):
    elsewhere, phone = Client(), api(student)
    for browser in (client, elsewhere):
        browser.force_login(student)

    given = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    response = client.post("/password", given, follow=True)

    assert "Your password is changed." in response.content.decode()
    assert elsewhere.get("/profile").status_code == 302
    assert phone.get("/api/v1/auth/me").status_code == 401


def test_a_forgotten_password_is_replaced_by_the_link(client, api, student):
    phone = api(student)
    page = client.post("/password/forgotten", {"email": student.email}, follow=True).content.decode()
    assert "If there is an account" in page
    sweep_unsent_messages()
    [email] = mail.outbox
    link = re.search(r"/password/new/\S+", email.body).group()

    form = client.get(link, follow=True)
    assert link not in form.request["PATH_INFO"]  # the token does not stay in the address
    given = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    response = client.post(form.request["PATH_INFO"], given, follow=True)

    assert "Your new password is set." in response.content.decode()
    assert client.login(email=student.email, password=NEW_PASSWORD)
    assert phone.get("/api/v1/auth/me").status_code == 401
    assert "does not work any more" in Client().get(link, follow=True).content.decode()


def test_asking_for_links_is_counted_as_guessing(client):
    statuses = [client.post("/password/forgotten", {"email": "sam@example.com"}).status_code for _ in range(11)]

    assert statuses == [302] * 10 + [429]
