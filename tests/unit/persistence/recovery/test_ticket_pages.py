from questline_persistence.recovery.ticket_pages import all_pages


def test_pages_are_changed_until_there_is_none_behind_though_one_changes_nothing() -> None:
    pages = {"": (1_000, "b"), "b": (0, "c"), "c": (400, None)}
    begun: list[str] = []

    def change(after: str) -> tuple[int, str | None]:
        begun.append(after)
        return pages[after]

    assert all_pages(change) == 1_400
    assert begun == ["", "b", "c"]
