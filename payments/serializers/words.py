"""The policy's words as choices; the API's description names these sets (settings, ENUM_NAME_OVERRIDES)."""

from payments.models.choices import choices_of
from payments.policy.states import Action, BookingStatus, Party, PaymentStatus

BOOKING_STATUS = choices_of(BookingStatus)
OPERATION_KIND = choices_of(Action)
PARTY = choices_of(Party)
PAYMENT_STATUS = choices_of(PaymentStatus)
