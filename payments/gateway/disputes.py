"""What the cardholder's bank takes back: reading a dispute, and answering it with evidence (section 11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from payments.gateway import client
from payments.gateway.errors import said

INQUIRY = "warning_"  # asked about, with no money withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class BankMovement:
    """One of Stripe's balance transactions for a dispute. Cents; a withdrawal is negative, fees positive."""

    id: str
    amount: int
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BankDispute:
    """A dispute as Stripe knows it now."""

    id: str
    charge_id: str
    intent_id: str
    amount: int
    reason: str
    status: str
    respond_by: datetime | None
    submissions: int
    movements: tuple[BankMovement, ...]

    @property
    def is_inquiry(self) -> bool:
        """Whether the bank only asks: no money was withdrawn, and none may be."""
        return self.status.startswith(INQUIRY) and not self.movements

    @property
    def is_won(self) -> bool:
        return self.status in ("won", "warning_closed", "prevented")

    @property
    def is_lost(self) -> bool:
        return self.status == "lost"


def dispute(dispute_id: str) -> BankDispute:
    """Fetch a dispute. Raises GatewayRefused if there is none, GatewayUnavailable."""
    return _read(said(lambda: client.get(f"/v1/disputes/{dispute_id}")))


def submit_evidence(dispute_id: str, *, evidence: Mapping[str, str], key: str) -> BankDispute:
    """Send our side to the bank, for good. Raises GatewayRefused once the bank has closed it, GatewayUnavailable."""
    body = {"evidence": dict(evidence), "submit": True}
    return _read(said(lambda: client.post(f"/v1/disputes/{dispute_id}", body, key=key)))


def _read(found: dict) -> BankDispute:
    details = found["evidence_details"]
    return BankDispute(
        id=found["id"],
        charge_id=found["charge"],
        intent_id=found["payment_intent"] or "",
        amount=found["amount"],
        reason=found["reason"],
        status=found["status"],
        respond_by=datetime.fromtimestamp(details["due_by"], UTC) if details["due_by"] else None,
        submissions=details["submission_count"],
        movements=tuple(
            BankMovement(id=moved["id"], amount=moved["amount"], fee=moved["fee"])
            for moved in found["balance_transactions"]
        ),
    )
