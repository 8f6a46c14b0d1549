"""Registering, logging in and out, tokens and passwords through the API."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from knox.models import AuthToken

from instainstru import clock
from instainstru.accounts.models import User
from instainstru.notifications.tasks import sweep_unsent_messages
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

AUTH = "/api/v1/auth"
NEW_PASSWORD = "an entirely different phrase"

# --- Who may ask what ---------------------------------------------------------------------------------------------

ENDPOINTS = {  # (method, path, body): status for a stranger, status for anybody who is signed in
    ("post", "login", "credentials"): (200, 200),
    ("post", "register", "newcomer"): (201, 201),
    ("post", "password/reset", "address"): (202, 202),
    ("post", "password/reset/confirm", "nothing"): (400, 400),
    ("post", "logout", "nothing"): (401, 204),
    ("post", "logout-all", "nothing"): (401, 204),
    ("get", "tokens", "nothing"): (401, 200),
    ("delete", "tokens/0123456789abcde", "nothing"): (401, 404),
    ("get", "me", "nothing"): (401, 200),
    ("patch", "me", "name"): (401, 200),
    ("post", "password", "passwords"): (401, 204),
}
BODIES = {
    "nothing": {},
    "credentials": {"email": "outsider@example.com", "password": PASSWORD},
    "newcomer": {"email": "new@example.com", "password": PASSWORD, "name": "New", "role": "student"},
    "address": {"email": "outsider@example.com"},
    "name": {"name": "Another Name"},
    "passwords": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
}


@pytest.mark.parametrize("who", [None, "student", "instructor", "staff"])
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_who_may_ask_what(request, api, outsider, who, endpoint):
    method, path, body = endpoint
    user = request.getfixturevalue(who) if who else None

    response = getattr(api(user), method)(f"{AUTH}/{path}", BODIES[body])

    assert response.status_code == ENDPOINTS[endpoint][user is not None]


# --- Registration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["student", "instructor"])
def test_a_newcomer_is_logged_in_at_once(api, role):
    newcomer = BODIES["newcomer"] | {"role": role, "time_zone": "America/Denver"}

    response = api(None).post(f"{AUTH}/register", newcomer)

    assert response.status_code == 201
    expected = {"email": "new@example.com", "name": "New", "role": role, "time_zone": "America/Denver"}
    assert response.data["user"] == expected
    user = User.objects.get(email="new@example.com")
    assert user.check_password(PASSWORD)
    assert user.auth_token_set.count() == 1


UNUSABLE = {
    "staff-role": ({"role": "staff"}, "#/role", "invalid_choice"),
    "short-password": ({"password": "short"}, "#/password", "password_too_short"),
    "common-password": ({"password": "1234567890"}, "#/password", "password_too_common"),
    "password-like-address": ({"password": "new@example.com"}, "#/password", "password_too_similar"),
    "no-address": ({"email": "new"}, "#/email", "invalid"),
    "no-name": ({"name": " "}, "#/name", "blank"),
    "no-such-zone": ({"time_zone": "Mars/Olympus"}, "#/time_zone", "unknown_time_zone"),
    "zero-byte": ({"name": "N\x00"}, "#/name", "null_characters_not_allowed"),
    "address-taken": ({"email": "OUTSIDER@example.com"}, "#/email", "email_taken"),
}


@pytest.mark.parametrize(("changed", "pointer", "code"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_registration_says_what_is_wrong(api, outsider, changed, pointer, code):
    response = api(None).post(f"{AUTH}/register", BODIES["newcomer"] | changed)

    assert response.status_code == 400
    assert response.data["code"] == "validation_failed"
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in response.data["errors"]}
    assert User.objects.count() == 1


# --- Tokens -------------------------------------------------------------------------------------------------------


def log_in(client, user, password=PASSWORD):
    return client.post(f"{AUTH}/login", {"email": user.email, "password": password})


@pytest.mark.parametrize("path", ["register", "password/reset"])
def test_an_address_has_room_for_its_lower_case(api, path):
    """Of one letter there are two in lower case; what had room before has none after."""
    longest = f"{'İ' * 60}@{'x' * 60}.{'x' * 60}.{'x' * 60}.example"
    body = {"email": longest, "password": PASSWORD, "name": "Nora", "role": "student"}

    response = api(None).post(f"{AUTH}/{path}", body)

    assert response.status_code == 400
    assert {error["pointer"] for error in response.data["errors"]} == {"#/email"}


def test_a_token_opens_what_its_user_may_see_until_it_expires(api, student):
    response = log_in(api(None), student)

    assert response.status_code == 200
    assert response.data["expires_at"] > (clock.wall() + timedelta(days=29)).isoformat()
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Token {response.data['token']}")
    assert client.get(f"{AUTH}/me").data["email"] == student.email
    AuthToken.objects.update(expiry=clock.wall())
    assert client.get(f"{AUTH}/me").status_code == 401


def test_only_a_digest_of_a_token_is_kept(api, student):
    token = log_in(api(None), student).data["token"]

    [row] = AuthToken.objects.values()
    assert token not in "".join(str(value) for value in row.values())


def test_a_wrong_password_and_an_unknown_address_look_alike(api, student):
    wrong = log_in(api(None), student, "not the password")
    student.email = "nobody@example.com"
    unknown = log_in(api(None), student)

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data["code"] == "authentication_failed"
    assert wrong.headers["WWW-Authenticate"] == "Token"
    ours = {"request_id"}
    assert {k: v for k, v in wrong.data.items() if k not in ours} == {
        k: v for k, v in unknown.data.items() if k not in ours
    }


def test_an_inactive_user_is_nobody(api, student):
    client = api(student)
    User.objects.update(is_active=False)

    assert client.get(f"{AUTH}/me").status_code == 401
    assert log_in(api(None), student).status_code == 401


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token \xff", "Token 0000", "Bearer 0000"])
def test_a_token_that_is_not_ours_is_a_401(api, header):
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=header)

    assert client.get(f"{AUTH}/me").status_code == 401


def test_an_expired_token_keeps_nobody_from_logging_in(api, student):
    client = api(student)
    AuthToken.objects.update(expiry=clock.wall())

    assert log_in(client, student).status_code == 200


def test_logging_out_revokes_this_token_alone(api, student):
    phone, laptop = api(student), api(student)

    assert phone.post(f"{AUTH}/logout").status_code == 204

    assert phone.get(f"{AUTH}/me").status_code == 401
    assert laptop.get(f"{AUTH}/me").status_code == 200


def test_logging_out_everywhere_revokes_them_all(api, student, outsider):
    phone, laptop, stranger = api(student), api(student), api(outsider)

    assert phone.post(f"{AUTH}/logout-all").status_code == 204

    assert laptop.get(f"{AUTH}/me").status_code == 401
    assert stranger.get(f"{AUTH}/me").status_code == 200


def test_tokens_are_listed_and_revoked_one_by_one(api, student):
    phone, laptop = api(student), api(student)

    listed = laptop.get(f"{AUTH}/tokens").data

    assert [token["is_current"] for token in listed] == [True, False]
    assert laptop.delete(f"{AUTH}/tokens/{listed[1]['id']}").status_code == 204
    assert phone.get(f"{AUTH}/me").status_code == 401


def test_somebody_elses_token_is_a_404(api, student, outsider):
    [listed] = api(student).get(f"{AUTH}/tokens").data

    assert api(outsider).delete(f"{AUTH}/tokens/{listed['id']}").status_code == 404
    assert student.auth_token_set.count() == 1


def test_past_the_limit_the_oldest_token_gives_way(api, student, settings):
    first = api(student)
    for _ in range(settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]):
        api(student)

    assert student.auth_token_set.count() == settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]
    assert first.get(f"{AUTH}/me").status_code == 401


def test_a_request_with_a_token_asks_who_it_is_once(api, student, standing_clock, django_assert_num_queries):
    client = api(student)

    with django_assert_num_queries(1):
        assert client.get(f"{AUTH}/me").status_code == 200


# --- The account itself -------------------------------------------------------------------------------------------


def test_name_and_time_zone_can_be_changed_and_nothing_else(api, student):
    changes = {"name": "Sam", "time_zone": "Asia/Tokyo", "role": "staff", "email": "x@example.com"}

    response = api(student).patch(f"{AUTH}/me", changes)

    assert response.data == {"email": student.email, "name": "Sam", "role": "student", "time_zone": "Asia/Tokyo"}
    student.refresh_from_db()
    assert (student.name, student.time_zone, student.role) == ("Sam", "Asia/Tokyo", "student")


def test_a_new_password_revokes_every_other_token(api, student):
    phone, laptop = api(student), api(student)
    passwords = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

    assert laptop.post(f"{AUTH}/password", passwords).status_code == 204

    assert laptop.get(f"{AUTH}/me").status_code == 200
    assert phone.get(f"{AUTH}/me").status_code == 401
    assert log_in(api(None), student, NEW_PASSWORD).status_code == 200


def test_changing_the_password_takes_the_present_one(api, student):
    passwords = {"current_password": "not the password", "new_password": NEW_PASSWORD}

    response = api(student).post(f"{AUTH}/password", passwords)

    assert response.status_code == 400
    assert response.data["errors"][0]["code"] == "password_wrong"


# --- A forgotten password -----------------------------------------------------------------------------------------


def parts_of_the_link_sent():
    [message] = mail.outbox
    return dict(zip(("uid", "token"), re.search(r"/password/new/([^/]+)/(\S+)", message.body).groups(), strict=True))


def test_a_forgotten_password_is_replaced_by_the_link(api, student):
    phone = api(student)
    api(None).post(f"{AUTH}/password/reset", {"email": student.email.upper()})
    sweep_unsent_messages()
    confirmation = {**parts_of_the_link_sent(), "new_password": NEW_PASSWORD}

    assert api(None).post(f"{AUTH}/password/reset/confirm", confirmation).status_code == 204

    assert log_in(api(None), student, NEW_PASSWORD).status_code == 200
    assert phone.get(f"{AUTH}/me").status_code == 401
    again = api(None).post(f"{AUTH}/password/reset/confirm", confirmation)
    assert (again.status_code, again.data["errors"][0]["code"]) == (400, "link_invalid")


def test_the_link_is_kept_nowhere(api, student):
    api(None).post(f"{AUTH}/password/reset", {"email": student.email})

    [message] = student.notices.all()
    assert message.context == {}
    assert api(student).get("/api/v1/messages").data["results"] == []


@pytest.mark.parametrize("who", ["nobody", "an-inactive-user"])
def test_nothing_tells_whether_there_is_such_an_account(api, who):
    if who == "an-inactive-user":
        UserFactory(email="known@example.com", is_active=False)

    response = api(None).post(f"{AUTH}/password/reset", {"email": "known@example.com"})
    sweep_unsent_messages()

    assert (response.status_code, response.data) == (202, None)
    assert mail.outbox == []


WRONG_LINKS = {
    "no-user": {"uid": "MTIzNDU2Nzg5"},
    "not-base64": {"uid": "§"},
    "zero-byte": {"uid": "AAAA"},
    "other-token": {"token": "abc-def"},
}


@pytest.mark.parametrize("changed", WRONG_LINKS.values(), ids=WRONG_LINKS)
def test_a_wrong_link_changes_nothing(api, student, changed):
    api(None).post(f"{AUTH}/password/reset", {"email": student.email})
    sweep_unsent_messages()

    confirmation = {**parts_of_the_link_sent(), "new_password": NEW_PASSWORD, **changed}
    response = api(None).post(f"{AUTH}/password/reset/confirm", confirmation)

    assert response.status_code == 400
    student.refresh_from_db()
    assert student.check_password(PASSWORD)


def test_a_weak_new_password_leaves_the_link_good(api, student):
    api(None).post(f"{AUTH}/password/reset", {"email": student.email})
    sweep_unsent_messages()
    link = parts_of_the_link_sent()

    weak = api(None).post(f"{AUTH}/password/reset/confirm", {**link, "new_password": "short"})
    strong = api(None).post(f"{AUTH}/password/reset/confirm", {**link, "new_password": NEW_PASSWORD})

    assert (weak.status_code, weak.data["errors"][0]["pointer"]) == (400, "#/new_password")
    assert strong.status_code == 204


# --- Guessing -----------------------------------------------------------------------------------------------------


def test_guessing_at_one_address_is_stopped_wherever_it_comes_from(api, student):
    statuses = [
        api(None)
        .post(f"{AUTH}/login", {"email": student.email, "password": "guess"}, REMOTE_ADDR=f"10.0.0.{n}")
        .status_code
        for n in range(11)
    ]

    assert statuses == [401] * 10 + [429]


def test_one_address_guessing_at_many_accounts_is_stopped(api):
    statuses = [
        api(None).post(f"{AUTH}/login", {"email": f"somebody-{n}@example.com", "password": "guess"}).status_code
        for n in range(11)
    ]

    assert statuses == [401] * 10 + [429]


def test_whoever_was_stopped_is_told_when_to_come_back(api, student):
    for _ in range(11):
        response = log_in(api(None), student, "guess")

    assert response.data["code"] == "throttled"
    assert 0 < int(response.headers["Retry-After"]) <= 120  # a full minute still weighs on the one after it


def test_the_forwarded_header_of_a_stranger_is_not_believed(api):
    statuses = [
        api(None)
        .post(
            f"{AUTH}/login",
            {"email": f"somebody-{n}@example.com", "password": "guess"},
            HTTP_X_FORWARDED_FOR=f"10.0.0.{n}",
        )
        .status_code
        for n in range(11)
    ]

    assert statuses[-1] == 429


def test_logging_in_is_not_guessing(api):
    users = [UserFactory() for _ in range(12)]

    assert [log_in(api(None), user).status_code for user in users] == [200] * 12
    assert [log_in(api(None), users[0]).status_code for _ in range(12)] == [200] * 12


def test_a_mailbox_is_not_flooded_through_us(api, student):
    for _ in range(3):
        api(None).post(f"{AUTH}/password/reset", {"email": student.email})

    assert student.notices.count() <= 2  # a minute may end in between
