"""Moving credits. Each function works inside its caller's transaction and returns what moved, so that the caller
posts the same movements to the ledger in the same commit (design 2)."""

from credits.operations.freezing import Frozen, Revoked, freeze_issued, revoke_frozen, revoke_issued, unfreeze
from credits.operations.lots import Expired, expire, issue, reserve, use_reserved
from credits.operations.negative_balance import Lifted, PaidOff, lift, owe
from credits.operations.wallet import open_wallet

__all__ = [
    "Expired",
    "Frozen",
    "Lifted",
    "PaidOff",
    "Revoked",
    "expire",
    "freeze_issued",
    "issue",
    "lift",
    "open_wallet",
    "owe",
    "reserve",
    "revoke_frozen",
    "revoke_issued",
    "unfreeze",
    "use_reserved",
]
