"""Every problem that the API can answer with: its code, status, reason and way out (RFC 9457).

The codes of refusals are the product's (policy section 12) and come from `instainstru.refusals`; the others are the
plumbing's. Clients rely on codes, so one is never renamed.
"""

from dataclasses import dataclass

from instainstru.refusals import SENTENCES, RefusalCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """One kind of problem as clients know it."""

    code: str
    status: int
    why: str
    instead: str

    @property
    def title(self) -> str:
        return self.code.replace("_", " ").capitalize()


# A refusal is a conflict with the present state, unless the card or what was asked for is at fault.
STATUS_OF_REFUSAL = {
    RefusalCode.CARD_DECLINED: 402,
    RefusalCode.AUTHENTICATION_REQUIRED: 402,
    RefusalCode.PAYMENT_METHOD_REQUIRED: 402,
    RefusalCode.CREDITS_UNAVAILABLE: 422,
    RefusalCode.BELOW_PRICE_FLOOR: 422,
    RefusalCode.REFUND_EXCEEDS_CAPTURED: 422,
}
CONFLICT = 409

_REFUSALS = [
    ProblemKind(code=str(code), status=STATUS_OF_REFUSAL.get(code, CONFLICT), why=said.why, instead=said.instead)
    for code, said in SENTENCES.items()
]

_PLUMBING = [
    ProblemKind(
        code="validation_failed",
        status=400,
        why="Some of what was sent can't be used.",
        instead="Correct what `errors` names and send it again.",
    ),
    ProblemKind(
        code="parse_error", status=400, why="The body can't be read.", instead="Send JSON, as Content-Type says."
    ),
    ProblemKind(code="bad_request", status=400, why="The request can't be understood.", instead="Correct it."),
    ProblemKind(
        code="not_authenticated",
        status=401,
        why="Only somebody who is signed in may do this.",
        instead="Log in and send the token as `Authorization: Token …`.",
    ),
    ProblemKind(
        code="authentication_failed",
        status=401,
        why="Who you are could not be made sure of.",
        instead="Check the e-mail address and password, or log in again for a new token.",
    ),
    ProblemKind(
        code="permission_denied",
        status=403,
        why="Your account may not do this.",
        instead="Use an account whose role allows it.",
    ),
    ProblemKind(
        code="not_found",
        status=404,
        why="There is no such thing here, or it is not yours.",
        instead="Check the address.",
    ),
    ProblemKind(
        code="method_not_allowed",
        status=405,
        why="This address does not know that method.",
        instead="Use one that the Allow header names.",
    ),
    ProblemKind(
        code="not_acceptable",
        status=406,
        why="What the Accept header asks for can't be given.",
        instead="Accept application/json.",
    ),
    ProblemKind(
        code="idempotency_key_in_use",
        status=409,
        why="A request with this idempotency key is being answered right now.",
        instead="Wait a moment and send the same again; you will see what it began.",
    ),
    ProblemKind(
        code="unsupported_media_type",
        status=415,
        why="A body of that type can't be read.",
        instead="Send application/json.",
    ),
    ProblemKind(
        code="idempotency_key_reused",
        status=422,
        why="This idempotency key was already used for another request.",
        instead="Use a new key for a new request.",
    ),
    ProblemKind(
        code="throttled",
        status=429,
        why="Too many requests came in too short a time.",
        instead="Wait as long as the Retry-After header says.",
    ),
    ProblemKind(
        code="internal_error",
        status=500,
        why="Something went wrong on our side.",
        instead="Try again later; tell our support the request id if it stays so.",
    ),
    ProblemKind(
        code="temporarily_unavailable",
        status=503,
        why="A part that this needs is away for a moment. Nothing was done by halves.",
        instead="Try again in a few seconds, with the same idempotency key if there was one.",
    ),
]

_PROVIDER = [
    ProblemKind(
        code="payment_provider_refused",
        status=402,
        why="The payment provider did not accept that.",
        instead="Read why in `detail`; another card may help.",
    ),
    ProblemKind(
        code="payment_provider_unavailable",
        status=503,
        why="The payment provider does not answer. No money has moved.",
        instead="Try again in a few seconds.",
    ),
]

_EVIDENCE = [
    ProblemKind(
        code="file_too_large",
        status=413,
        why="The file is larger than 10 MB.",
        instead="Send a smaller picture, or fewer pages at a time.",
    ),
    ProblemKind(
        code="file_type_not_accepted",
        status=422,
        why="That is no picture and no PDF that we can read.",
        instead="Send a JPEG, PNG or WebP picture, or a PDF.",
    ),
    ProblemKind(
        code="too_much_evidence",
        status=409,
        why="One side can show twenty pieces of evidence in a case, and these are shown.",
        instead="Tell our support if something important is missing.",
    ),
    ProblemKind(
        code="evidence_closed",
        status=409,
        why="No evidence of yours is taken in this case any more.",
        instead="Ask our support if something new has come up.",
    ),
]

CATALOGUE: dict[str, ProblemKind] = {kind.code: kind for kind in (*_PLUMBING, *_PROVIDER, *_EVIDENCE, *_REFUSALS)}
ANYWHERE = frozenset(kind.code for kind in _PLUMBING)  # the others are met only where an operation names them
