"""The pages that Stripe would host, each with a button or two: 3-D Secure, onboarding, the Express dashboard."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from payments.simulator.core import Core, authorization, ledger, onboarding, setup_intents
from payments.simulator.core.errors import StripeError, dollars
from payments.simulator.core.lookup import fetch_account
from payments.simulator.core.objects import Body
from payments.simulator.wire.api import HttpAnswer, HttpRequest

_STYLE = (
    "body{font:16px system-ui;max-width:28rem;margin:15vh auto;padding:0 1rem;color:#1a1f36}"
    "button{font:inherit;padding:.6rem 1.2rem;margin-right:.5rem;border:0;border-radius:6px;color:#fff}"
    "button{background:#635bff}"
    "button.no{background:#df1b41}"
)


def handle(core: Core, http: HttpRequest) -> HttpAnswer:
    """Answer one request to /_pages."""
    try:
        match http.path.strip("/").split("/")[1:]:
            case ["3ds", object_id]:
                return _three_d_secure(core, http, object_id)
            case ["onboarding", object_id, token]:
                return _onboarding(core, http, object_id, token)
            case ["express", object_id]:
                return _express(core, object_id)
    except StripeError as error:
        return _page(error.status, "Sorry", escape(str(error)))
    return _page(404, "Sorry", "There is no such page.")


def _three_d_secure(core: Core, http: HttpRequest, object_id: str) -> HttpAnswer:
    """`/_pages/3ds/{intent}`: the cardholder confirms or not, and goes back to the `return_url`."""
    with core.unit():
        intent = core.objects.get(object_id)
        if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
            return _page(404, "Sorry", "There is no such payment.")
        if intent["status"] != "requires_action":
            return _page(410, "Already done", "This payment does not wait for you.")
        return_url = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
        if http.method != "POST":
            amount = f" of {dollars(intent['amount'])}" if "amount" in intent else ""
            return _page(
                200,
                "3-D Secure",
                f"<p>Your bank asks you to confirm this payment{amount}.</p>"
                + _form(("complete", "Complete", ""), ("fail", "Fail", "no")),
            )
        succeeds = "complete" in dict(parse_qsl(http.body))
        module = authorization if intent["object"] == "payment_intent" else setup_intents
        module.authenticate(core, intent, succeeds=succeeds)
        if return_url is None:
            return _page(200, "Done", "You can close this page.")
        return _redirect(_returning(return_url, intent))


def _onboarding(core: Core, http: HttpRequest, account_id: str, token: str) -> HttpAnswer:
    """`/_pages/onboarding/{account}/{token}`: what the account link leads to."""
    with core.unit():
        account = fetch_account(core, account_id)
        return_url = account["_"].get("links", {}).get(token)
        if return_url is None:
            return _page(410, "This link has expired", "Ask for a new one.")
        if http.method != "POST":
            return _page(
                200,
                "Get paid",
                "<p>Here Stripe would ask who you are and where to pay you.</p>" + _form(("complete", "Complete", "")),
            )
        account["_"]["links"] = {}
        onboarding.onboard(core, account)
        return _redirect(return_url)


def _express(core: Core, account_id: str) -> HttpAnswer:
    """`/_pages/express/{account}`: what a login link leads to."""
    with core.unit():
        fetch_account(core, account_id)
        balance = dollars(ledger.available(core, account_id))
    return _page(200, "Express dashboard", f"<p>Your balance: {balance}</p>")


def _returning(return_url: str, intent: Body) -> str:
    """The page to go back to, with what Stripe adds to its query."""
    kind = intent["object"]
    added = {
        kind: intent["id"],
        f"{kind}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if intent["status"] in ("succeeded", "requires_capture") else "failed",
    }
    parts = urlsplit(return_url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added.items()])
    return urlunsplit(parts._replace(query=query))


def _form(*buttons: tuple[str, str, str]) -> str:
    inner = "".join(f'<button name="{name}" value="1" class="{look}">{label}</button>' for name, label, look in buttons)
    return f'<form method="post">{inner}</form>'


def _page(status: int, title: str, content: str) -> HttpAnswer:
    html = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{content}"
    return HttpAnswer(status, html.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _redirect(url: str) -> HttpAnswer:
    return HttpAnswer(303, b"", {"Location": url})
