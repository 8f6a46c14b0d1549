"""What nobody sends by mistake, and what each route takes when all is well."""

from typing import Any
from urllib.parse import quote

from tests.factories import PASSWORD

TEXTS = {
    "nul": "a\0b",
    "the last year": "9999-12-31T23:59:59Z",
    "the last year, elsewhere": "9999-12-31T23:59:59-12:00",
    "the last day": "9999-12-31",
    "the last minute on a wall": "9999-12-31T23:59",
    "the first year": "0001-01-01T00:00:00Z",
    "the first day": "0001-01-01",
    "a number of 400 digits": "9" * 400,
    "a number of 20 digits": "9" * 20,
    "lower case is longer": f"{'İ' * 60}@{'İ' * 60}.{'İ' * 60}.{'İ' * 60}.{'İ' * 9}",
    "long text": "x" * 5_000,
}
VALUES = TEXTS | {
    "half a character": "\ud800",
    "a huge number": 10**30,
    "a list": [["\0"]],
    "an object": {"a": {"\0": "b"}},
}
DEEP = 100_000
BODIES = {
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep, within what Python reads": b'{"email":' + b"[" * 500 + b"]" * 500 + b"}",
    "half a character for a name": rb'{"\ud800": 1}',
    "a list": b"[1]",
    "a text": b'"a"',
    "null": b"null",
    "cut off": b"{",
    "no UTF-8": b'{"email": "\xff"}',
    "more than any number": b'{"minutes": 1e400, "email": Infinity}',
}
PATHS = {
    "nul": "%00",
    "nul within": "a%00b",
    "half a character": "%ED%A0%80",
    "a digit of Egypt": quote("٣"),
    "long": "9" * 400,
    "the last day": "9999-12-31",
    "the first day": "0001-01-01",
}

LESSON = {"service": "<service>", "starts_at": "2026-03-04T15:00:00Z", "minutes": 60, "credits_cents": 0}
NEW_TIME = {"starts_at": "2026-03-05T15:00:00Z"}
NEW_PASSWORD = {"new_password1": "an entirely different phrase", "new_password2": "an entirely different phrase"}
PERSON = {"email": "new@example.com", "name": "Nora New", "role": "student", "time_zone": "UTC"}
SPAN = {"from": "2026-03-04T00:00:00Z", "to": "2026-03-06T00:00:00Z"}
TIME_OFF = {"starts_at": "2026-03-04T00:00:00Z", "ends_at": "2026-03-05T00:00:00Z", "reason": "Away."}
SEARCH = {"search": "piano", "category": "music", "modality": "online", "hourly_price_max": "150"}
OFFER = {
    "title": "Piano",
    "description": "Slowly.",
    "category": "music",
    "modality": "online",
    "hourly_price_cents": 12_000,
    "durations": [60],
}
AGREED = {"reason": "Kindness.", "preview": "f00d"}
RULING = {"ruling": "unfounded", **AGREED}

# What is sent to a route by any method that has a body. `<service>` stands for the reference of the scene's service.
TAKES: dict[str, dict[str, Any]] = {
    "api:register": {**PERSON, "password": PASSWORD},
    "api:login": {"email": "student@example.com", "password": PASSWORD},
    "api:me": {"name": "Sam", "time_zone": "UTC"},
    "api:password": {"current_password": PASSWORD, "new_password": "an entirely different phrase"},
    "api:password-reset": {"email": "student@example.com"},
    "api:password-reset-confirm": {"uid": "MQ", "token": "abc-def", "new_password": "an entirely different phrase"},
    "api:own-profile": {"headline": "Hello", "city": "Rome", "time_zone": "UTC", "languages": ["en"], "bio": ""},
    "api:own-services": OFFER,
    "api:own-service": {**OFFER, "is_active": True},
    "api:own-weekly-hours": {"hours": [{"weekday": 0, "opens": "09:00", "closes": "10:00"}]},
    "api:own-exception": {"hours": [{"opens": "09:00", "closes": "10:00"}]},
    "api:own-times-off": TIME_OFF,
    "api:own-time-off": TIME_OFF,
    "api:quotes": LESSON,
    "api:bookings": {**LESSON, "preview": "f00d", "note": "Hello."},
    "api:booking-cancel": {"preview": "f00d", "reason": "I am ill."},
    "api:booking-reschedule": {**NEW_TIME, "preview": "f00d"},
    "api:booking-reschedule-preview": NEW_TIME,
    "api:booking-refund": {"cents": 100, "bearer": "platform", "again": False, **AGREED},
    "api:booking-refund-preview": {"cents": 100, "bearer": "platform"},
    "api:booking-staff-cancel": {"with_refund": True, **AGREED},
    "api:booking-staff-cancel-preview": {"with_refund": True},
    "api:payment-method": {"setup": "seti_nothing"},
    "api:card-setup-confirm": {"payment_method": "pm_card_visa"},
    "api:booking-no-show-reports": {"statement": "Nobody came.", "absent": "instructor"},
    "api:booking-disputes": {"statement": "Too short.", "on_behalf_of": "student"},
    "api:booking-no-show-ruling": RULING,
    "api:booking-no-show-ruling-preview": {"ruling": "unfounded"},
    "api:booking-dispute-ruling": {**RULING, "ruling": "instructor_wins"},
    "api:booking-dispute-ruling-preview": {"ruling": "instructor_wins"},
    "api:case-evidence": {"statement": "Look."},
    "api:no-show-report-contest": {"statement": "I was there."},
    "login": {"username": "student@example.com", "password": PASSWORD, "next": "/"},
    "register": {**PERSON, "password1": PASSWORD, "password2": PASSWORD},
    "profile": {"name": "Sam", "time_zone": "UTC"},
    "password_change": {"old_password": PASSWORD, **NEW_PASSWORD},
    "password_reset": {"email": "student@example.com"},
    "messages-read": {"ref": "<message>"},
    "checkout": {"credits": "0.00", "preview": "f00d", "token": "abc", "note": "Hello."},
    "booking-cancel": {"preview": "f00d", "reason": "I am ill."},
    "booking-move": {"preview": "f00d"},
    "teaching-profile": {"headline": "Hello", "city": "Rome", "time_zone": "UTC", "buffer_minutes": "15"},
    "service-new": OFFER | {"hourly_price_cents": "120.00"},
    "service": OFFER | {"hourly_price_cents": "120.00"},
    "weekly-hours": {"day-0-0-opens": "09:00", "day-0-0-closes": "10:00"},
    "date-except": {
        "exception-day": "2026-03-09",
        "exception-kind": "hours",
        "exception-opens": "09:00",
        "exception-closes": "10:00",
    },
    "date-follow-week": {"day": "2026-03-09"},
    "time-off-take": {"off-starts": "2026-03-09T10:00", "off-ends": "2026-03-10T10:00", "off-reason": "Away."},
    "card": {"card": "pm_card_visa"},
    "no-show-report": {"statement": "Nobody came."},
    "dispute-open": {"statement": "Too short."},
    "report-contest": {"statement": "I was there."},
    "evidence-add": {"statement": "Look."},
}
# What a route's address asks.
ASKS: dict[str, dict[str, Any]] = {
    "api:instructors": {**SEARCH, "language": "en", "city": "Rome", "time_zone": "UTC", "ordering": "price"}
    | {"available_on": "2026-03-09", "cursor": "bz0x", "page_size": "3"},
    "api:instructor-slots": {"service": "<service>", "minutes": "60", **SPAN},
    "api:bookings": {"status": "confirmed", "upcoming": "true", **SPAN, "ordering": "starts_at", "cursor": "cD0yMDI2"},
    "api:messages": {"unread": "true", "cursor": "cD0x"},
    "api:wallet-statement": {"cursor": "cD0x", "page_size": "3"},
    "instructors-page": {**SEARCH, "available_on": "2026-03-09", "order": "price", "cursor": "before-1.1"},
    "instructor-page": {"service": "<service>", "minutes": "60", "week": "2026-03-09"},
    "checkout": {"service": "<service>", "minutes": "60", "at": "2026-03-04T15:00Z", "credits": "1.00"},
    "bookings": {"show": "past", "cursor": "before-1.1"},
    "booking-move": {"to": "2026-03-05T15:00Z", "week": "2026-03-09"},
    "card-saved": {"setup_intent": "seti_nothing", "next": "/credits"},
    "messages": {"cursor": "before-1"},
    "wallet": {"cursor": "before-1"},
    "login": {"next": "/"},
}
