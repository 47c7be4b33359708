"""What an executor leaves in its store."""

from questline_persistence.records import QuestRepository


def worker_states(repo: QuestRepository) -> list[str]:
    return repo.database.read(lambda own: [*own.exec_driver_sql("SELECT state FROM workers").scalars()])


def ready(repo: QuestRepository, quest_id: str) -> list[tuple[str, str, int]]:
    """Return where a quest's ticket stands: its position, its state, and the failures of its step."""
    return [(ticket.position, ticket.state, ticket.attempt) for ticket in repo.tickets(quest_id)]
