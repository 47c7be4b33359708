"""`questline export` and `questline import`."""

from tests.unit.questline.cli.conftest import CommandLine


def test_quests_go_into_a_file_and_into_another_store(cli: CommandLine) -> None:
    for name in ("alpha", "beta"):
        cli.submit(name)
    there = ("--database-url", f"sqlite:///{cli.folder / 'there.db'}")

    written = cli("export", "--label", "team=a", "-o", "some.quest", "--reason", "to the other house")
    told = cli("import", "some.quest", *there)
    again = cli.json("import", "some.quest", *there)

    assert written.out.startswith("2 quests in some.quest (")
    assert [line.split() for line in told.out.splitlines()[1:]] == [
        ["alpha", "paused", "imported"],
        ["beta", "paused", "imported"],
    ]
    assert [one["changed"] for one in again["items"]] == [False, False]
    assert cli.json("show", "beta", *there)["input_data"] == {"service": "billing"}
    assert {(one["verb"], one["reason"]) for one in cli.json("audit")["items"]} == {("export", "to the other house")}


def test_a_dry_run_reads_a_file_and_writes_nothing(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("export", "alpha", "-o", "some.quest")
    before = cli.rows()

    found = cli.json("import", "some.quest", "--new-ids", "--dry-run")["items"]

    assert [(one["exported_id"], one["status"], one["changed"]) for one in found] == [("alpha", "paused", True)]
    assert cli.rows() == before


def test_a_file_that_was_changed_is_refused_in_one_line(cli: CommandLine) -> None:
    cli.submit("alpha")
    cli("export", "alpha", "-o", "some.quest")
    whole = (cli.folder / "some.quest").read_bytes()
    (cli.folder / "some.quest").write_bytes(whole[:300] + bytes([whole[300] ^ 1]) + whole[301:])

    refused = cli("import", "some.quest", "--new-ids")

    assert refused.code == 2
    assert refused.err.startswith("Error: some.quest cannot be imported: ")
    assert len(refused.err.splitlines()) == 2


def test_the_file_is_not_taken_for_the_format_of_the_answer(cli: CommandLine) -> None:
    cli.submit("alpha")

    refused = cli("export", "alpha", "-o", "json")
    written = cli("export", "alpha", "-o", "some.quest", "--output", "json")

    assert (refused.code, refused.error["hint"]) == (2, "add: --output json")
    assert written.data["quests"] == 1
    assert not (cli.folder / "json").exists()


def test_a_whole_store_goes_to_another_one(cli: CommandLine) -> None:
    cli.submit("alpha")
    to = f"sqlite:///{cli.folder / 'there.db'}"

    copied = cli("db", "copy", "--to", to, "-o", "json")
    refused = cli("db", "copy", "--to", to)

    assert copied.data["rows"]["quest_executions"] == 1
    assert "quest_executions: 1" in copied.err
    assert cli.json("show", "alpha", "--database-url", to)["status"] == "new"
    assert [one["verb"] for one in cli.json("audit", "--database-url", to)["items"]] == ["db copy"]
    assert (refused.code, "is not empty" in refused.err) == (5, True)


def test_a_store_that_is_not_there_is_not_made_by_copying(cli: CommandLine) -> None:
    refused = cli("db", "copy", "--from", f"sqlite:///{cli.folder / 'none.db'}", "--to", "sqlite:///there.db")

    assert refused.code == 3
    assert not list(cli.folder.glob("*.db"))


def test_a_store_comes_back_from_its_backup_once_that_was_confirmed(cli: CommandLine) -> None:
    cli.submit("alpha")
    made = cli("backup", "monday.db")
    cli("cancel", "alpha")

    unasked, refused = cli("restore", "monday.db", "-y"), cli("restore", "monday.db", "--replace")
    done = cli("restore", "monday.db", "--replace", "-y")

    assert (made.code, "is in monday.db (" in made.out) == (0, True)
    assert (unasked.code, refused.code, done.code) == (5, 2, 0)
    assert cli.json("show", "alpha")["status"] == "new"
    assert [one["verb"] for one in cli.json("audit")["items"]] == ["restore"]


def test_a_subject_is_erased_once_that_was_confirmed_and_leaves_a_receipt(cli: CommandLine) -> None:
    cli.submit("alpha", labels={"subject": "ada"})
    cli.submit("beta")
    live = cli("erase", "--subject", "ada", "-y")
    cli("cancel", "alpha")
    cli("export", "alpha", "-o", "some.quest")

    looked, refused = cli("erase", "--subject", "ada", "--dry-run"), cli("erase", "--subject", "ada")
    receipt = cli.json("erase", "--subject", "ada", "-y")

    assert (live.code, refused.code, looked.code) == (5, 2, 0)
    assert "1 quest would be erased." in looked.out
    assert "some.quest" in looked.out
    assert (receipt["quests"], receipt["dry_run"], receipt["rows"]["quest_executions"]) == (1, False, 1)
    assert [quest["quest_id"] for quest in cli.json("list")["items"]] == ["beta"]
    assert cli.json("erase", "--subject", "ada")["quests"] == 0


def test_a_prune_may_be_for_one_type(cli: CommandLine) -> None:
    for name, quest_type in (("alpha", "nightly"), ("beta", "daily")):
        cli.submit(name, quest_type=quest_type)
        cli("cancel", name)
    words = ("prune", "--older-than", "0s", "--status", "cancelled", "--type", "nightly")

    assert cli.json(*words, "--dry-run")["matched"] == 1
    assert cli.json(*words, "-y")["deleted"] == 1
    assert [quest["quest_id"] for quest in cli.json("list")["items"]] == ["beta"]
    assert cli("prune", "--audit-older-than", "1d", "--type", "nightly", "-y").code == 2
