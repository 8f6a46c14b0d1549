"""The back office: who gets in, who may make whom mightier, and what waits for staff."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core import checks

from instainstru.accounts.models import Role, User
from instainstru.admin import queues
from instainstru.admin.queues import Backlog, WorkQueue
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

OURS = {"instainstru", "accounts", "notifications", "credits", "payments", "bookings", "disputes"}


@pytest.fixture
def clerk(staff):
    """Staff who may keep accounts, and nothing above that."""
    staff.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="accounts", codename__in=["view_user", "add_user", "change_user"]
        )
    )
    return staff


@pytest.fixture
def superuser():
    return UserFactory(as_superuser=True)


def form_of(response):
    """What a browser would send back of the page's form."""
    form = response.context["adminform"].form
    return {name: form[name].value() if form[name].value() is not None else "" for name in form.fields}


# --- Who gets in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("who", "status"), [("student", 403), ("instructor", 403), ("staff", 200)])
def test_staff_alone_get_in(request, client, who, status):
    client.force_login(request.getfixturevalue(who))

    assert client.get("/admin/", follow=True).status_code == status


def test_a_stranger_logs_in_where_guessing_is_counted(client, staff):
    response = client.get("/admin/accounts/user/", follow=True)
    assert response.request["PATH_INFO"] == "/login"

    response = client.post(response.redirect_chain[-1][0], {"username": staff.email, "password": PASSWORD})

    assert response.headers["Location"] == "/admin/accounts/user/"


@pytest.mark.parametrize(
    "model", [m for m in apps.get_models() if m._meta.app_label in OURS], ids=lambda m: m._meta.label
)
def test_every_model_has_a_page_that_works(client, superuser, model):
    client.force_login(superuser)
    assert admin.site.is_registered(model)

    response = client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/?q=x")

    assert response.status_code == 200


# --- Accounts -----------------------------------------------------------------------------------------------------

NEW = {
    "email": "New@example.com",
    "name": "New",
    "time_zone": "UTC",
    "usable_password": "true",
    "password1": PASSWORD,
    "password2": PASSWORD,
}


@pytest.mark.parametrize(
    ("who", "role", "is_made"),
    [
        ("clerk", "student", True),
        ("clerk", "instructor", True),
        ("clerk", "staff", False),
        ("superuser", "staff", True),
    ],
)
def test_who_may_make_whom(request, client, who, role, is_made):
    client.force_login(request.getfixturevalue(who))

    client.post("/admin/accounts/user/add/", NEW | {"role": role})

    assert User.objects.filter(email="new@example.com", role=role).exists() == is_made


def test_a_clerk_makes_nobody_mightier(client, clerk, student):
    client.force_login(clerk)
    url = f"/admin/accounts/user/{student.pk}/change/"

    sent = form_of(client.get(url)) | {
        "name": "Renamed",
        "role": "staff",
        "is_superuser": "on",
        "user_permissions": [Permission.objects.first().pk],
    }
    client.post(url, sent)

    student.refresh_from_db()
    assert student.name == "Renamed"
    assert (student.role, student.is_superuser, student.user_permissions.count()) == (Role.STUDENT, False, 0)


@pytest.mark.parametrize("path", ["change", "password"])
def test_a_clerk_does_not_take_a_colleagues_account_over(client, clerk, superuser, path):
    client.force_login(clerk)

    response = client.post(
        f"/admin/accounts/user/{superuser.pk}/{path}/",
        {"email": "mine@example.com", "password1": "another long phrase", "password2": "another long phrase"},
    )

    assert response.status_code == 403
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)


def test_a_superuser_says_what_staff_may_do(client, superuser, staff):
    client.force_login(superuser)
    url = f"/admin/accounts/user/{staff.pk}/change/"
    permission = Permission.objects.get(codename="view_user")

    client.post(url, form_of(client.get(url)) | {"user_permissions": [permission.pk], "is_superuser": ""})

    assert [*staff.user_permissions.all()] == [permission]


@pytest.mark.parametrize("who", ["clerk", "superuser"])
def test_nobody_deletes_an_account(request, client, student, who):
    client.force_login(request.getfixturevalue(who))

    assert client.post(f"/admin/accounts/user/{student.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/accounts/user/", {"action": "delete_selected", "_selected_action": student.pk, "post": "yes"})

    assert User.objects.filter(pk=student.pk).exists()


def test_a_superuser_revokes_a_token_and_makes_none(client, superuser, api, student):
    phone = api(student)
    [token] = student.auth_token_set.all()
    client.force_login(superuser)

    assert client.get("/admin/knox/authtoken/add/").status_code == 403
    client.post(f"/admin/knox/authtoken/{token.pk}/delete/", {"post": "yes"})

    assert phone.get("/api/v1/auth/me").status_code == 401


# --- Work queues --------------------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def registered(monkeypatch):
    """An empty registry, to be filled by the test."""
    registered = []
    monkeypatch.setattr(queues, "_registered", registered)
    return registered


def queue_of(name, *, count=1, hours=None, permission=""):
    deadline = None if hours is None else NOW + timedelta(hours=hours)
    return WorkQueue(
        name=name,
        title=name.capitalize(),
        backlog=lambda _: Backlog(count=count, next_deadline=deadline),
        url=lambda: f"/admin/{name}/",
        permission=permission,
    )


def test_the_most_pressing_comes_first(registered, superuser):
    for queue in (
        queue_of("idle", count=0),
        queue_of("later", hours=5),
        queue_of("late", hours=-1),
        queue_of("many", count=9),
    ):
        queues.register_queue(queue)

    waiting = queues.waiting_at(NOW, superuser)

    assert [queue.title for queue in waiting] == ["Late", "Later", "Many", "Idle"]
    assert [queue.is_overdue for queue in waiting] == [True, False, False, False]


def test_a_queue_is_shown_to_those_who_may_work_on_it(registered, client, clerk, standing_clock):
    queues.register_queue(queue_of("refunds", hours=2, permission="payments.move_money"))
    queues.register_queue(queue_of("accounts", hours=2, permission="accounts.change_user"))
    client.force_login(clerk)

    page = client.get("/admin/").content.decode()

    assert '<a href="/admin/accounts/">Accounts</a>' in page
    assert "Mon, Mar 2, 2026, 5:00 PM UTC" in page
    assert "Refunds" not in page


def test_two_queues_of_one_name_are_found_at_the_start(registered):
    registered += [queue_of("refunds"), queue_of("refunds")]

    assert "instainstru.E001" in [error.id for error in checks.run_checks()]
