"""Cases: what freezes a booking's money until somebody rules (policy sections 8 and 11)."""

from disputes.models.chargebacks import Chargeback
from disputes.models.disputes import LessonDispute
from disputes.models.evidence import Evidence
from disputes.models.no_shows import NoShowReport
from disputes.models.submissions import EvidenceSubmission

Case = NoShowReport | LessonDispute | Chargeback

__all__ = ["Case", "Chargeback", "Evidence", "EvidenceSubmission", "LessonDispute", "NoShowReport"]
