"""What steps spend, how much may be spent, and what becomes of quests that have spent it.

It imports `controls`, `audit`, `schema` and what is below. Steps that tell of no cost never come here.
"""

from questline_persistence.costs.budgets import Budget, Budgets, BudgetScope, lift
from questline_persistence.costs.cost import Cost, Spent
from questline_persistence.costs.costs import Costs, GroupCost, GroupedBy, StepCost
from questline_persistence.costs.spending import Spending

__all__ = [
    "Budget",
    "BudgetScope",
    "Budgets",
    "Cost",
    "Costs",
    "GroupCost",
    "GroupedBy",
    "Spending",
    "Spent",
    "StepCost",
    "lift",
]
