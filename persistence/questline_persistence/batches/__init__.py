"""Batches: one verb over all quests that a filter means, done quest by quest, with a result for each.

It imports `records`, `controls` and what is below. Which quests are meant is not written down first: a batch goes
through them in the order of their making, and knows how far it has come. So nothing holds all their ids, no transaction
is longer than that of one verb, and quests that were made after the batch are not among them.
"""

from questline_persistence.batches.batch import Batch, BatchOutcome, BatchPage, BatchPreview, BatchResult, BatchResults
from questline_persistence.batches.book import MAX_BATCH_PAGE, MAX_BATCHES, MAX_RESULTS_PAGE, BatchBook
from questline_persistence.batches.doing import do
from questline_persistence.batches.order import MAX_BATCH_NAME, MAX_QUESTS, MAX_START, BatchOrder, BatchVerb, verb_of
from questline_persistence.batches.work import BatchWork, LeftBatch, Place, Taken

__all__ = [
    "MAX_BATCHES",
    "MAX_BATCH_NAME",
    "MAX_BATCH_PAGE",
    "MAX_QUESTS",
    "MAX_RESULTS_PAGE",
    "MAX_START",
    "Batch",
    "BatchBook",
    "BatchOrder",
    "BatchOutcome",
    "BatchPage",
    "BatchPreview",
    "BatchResult",
    "BatchResults",
    "BatchVerb",
    "BatchWork",
    "LeftBatch",
    "Place",
    "Taken",
    "do",
    "verb_of",
]
