import os
from pathlib import Path

import pytest

from examples.forge_agent.action import Action
from examples.forge_agent.folder import MAX_BYTES, Folder, Refused
from examples.forge_agent.tools import find_word


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with two files, beside a secret."""
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "README.md").write_text("# A title\nLords work.\n")
    (root / "docs" / "guide.md").write_text("a LORD\n")
    (tmp_path / "secret.md").write_text("the secret of a lord")
    return Folder(root)


def test_files_and_folders_below_the_root_are_read(folder: Folder) -> None:
    assert folder.read("docs/guide.md") == "a LORD\n"
    assert folder.names(".") == ["README.md", "docs/"]
    assert folder.names("docs") == ["guide.md"]


@pytest.mark.parametrize("path", ["../secret.md", "docs/../../secret.md", "..", "a\0b"])
def test_no_path_leads_out_of_the_root(folder: Folder, path: str) -> None:
    for look in (folder.read, folder.names):
        with pytest.raises(Refused, match="out of the folder"):
            look(path)
    assert not folder.has(path)


def test_an_absolute_path_is_refused_even_into_the_root(folder: Folder) -> None:
    for path in (folder.root / "README.md", folder.root.parent / "secret.md"):
        with pytest.raises(Refused, match="out of the folder"):
            folder.read(str(path))


@pytest.mark.parametrize("target", ["../secret.md", "README.md", "nowhere"])
def test_a_link_to_a_file_is_not_followed(folder: Folder, target: str) -> None:
    (folder.root / "link.md").symlink_to(target)
    with pytest.raises(Refused, match="is a link"):
        folder.read("link.md")
    assert "link.md" not in folder.matching("*.md")
    assert folder.nearest("links.md") != "link.md"


def test_a_link_to_a_folder_is_not_followed_at_any_depth(folder: Folder) -> None:
    (folder.root / "docs" / "up").symlink_to("../..")
    with pytest.raises(Refused, match="is a link"):
        folder.read("docs/up/secret.md")
    with pytest.raises(Refused, match="is a link"):
        folder.names("docs/up")
    assert folder.matching("*.md") == ["README.md", "docs/guide.md"]
    assert folder.names("docs") == ["guide.md", "up"]


@pytest.mark.timeout(20)
def test_what_is_no_text_is_refused_without_waiting(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe")
    (folder.root / "image").write_bytes(b"\x89\0\0")
    with pytest.raises(Refused, match="is not a file"):
        folder.read("pipe")
    with pytest.raises(Refused, match="is not a text"):
        folder.read("image")
    with pytest.raises(Refused, match="is not a file"):
        folder.read("docs")
    with pytest.raises(Refused, match="is not a folder"):
        folder.names("README.md")


def test_a_long_file_is_cut(folder: Folder) -> None:
    (folder.root / "long").write_text("x" * (MAX_BYTES + 1))
    assert len(folder.read("long")) == MAX_BYTES


def test_a_word_is_found_in_the_files_that_fit_a_pattern(folder: Folder) -> None:
    def found(pattern: str) -> list[str]:
        return find_word(folder, Action(tool="find_word", path=pattern, word="lord")).splitlines()

    (folder.root / "lords.bin").write_bytes(b"lord\0")
    assert found("*.md") == ["README.md:2: Lords work.", "docs/guide.md:1: a LORD"]
    assert found("docs/*.md") == ["docs/guide.md:1: a LORD"]
    assert found("guide.md") == ["docs/guide.md:1: a LORD"]
    assert found(".") == found("[") == ["nothing"]
    assert found("*.bin") == found("../*.md") == ["nothing"]


def test_the_file_that_may_be_meant_is_the_one_whose_path_is_most_alike(folder: Folder) -> None:
    assert folder.nearest("readme.txt") == "README.md"
    assert folder.nearest("docs/guides.md") == "docs/guide.md"
    assert folder.nearest("something else altogether") is None
