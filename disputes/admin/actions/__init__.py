"""What staff may do about cases, each through the confirmation page: take them in, and rule."""

from disputes.admin.actions.rulings import RuleDispute, RuleNoShow
from disputes.admin.actions.taking_in import OpenDispute, ReportNoShow

# In the order in which a booking's page offers those that are possible.
ACTIONS = (RuleNoShow(), RuleDispute(), ReportNoShow(), OpenDispute())

__all__ = ["ACTIONS"]
