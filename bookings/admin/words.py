"""A booking's words as staff read them, beside those of its money."""

from instainstru.admin.audit import NOTE

STAFF_ACTIONS = {  # by the names of the confirmed actions
    NOTE: "wrote a note",
    "see-changes": "took note of what was changed at Stripe",
    "retry": "retried what was refused",
    "resolve": "gave up what was refused",
    "cancel-with-refund": "cancelled the booking with refund",
    "cancel-without-refund": "cancelled the booking without refund",
    "refund": "refunded the card",
    "report-no-show": "reported a no-show",
    "open-dispute": "opened a dispute",
    "rule-no-show": "ruled on the no-show",
    "rule-dispute": "ruled on the dispute",
    "submit-evidence": "sent our evidence to the bank",
    "lift-lock": "lifted the student's lock",
}


def staff_action_in_words(action: str) -> str:
    return STAFF_ACTIONS.get(action) or in_short(action).lower()


def in_short(word: str) -> str:
    """Write a stored word as words: `payment_method_required`."""
    return word.replace("_", " ")
