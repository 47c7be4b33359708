from pathlib import Path

import pytest

from examples.codebase_review.imports import ImportMap, import_statements, map_imports
from examples.codebase_review.source import parse

from .conftest import Tree


def mapped(tree: Tree, files: dict[str, str | bytes], below: str = "") -> ImportMap:
    root = Path(tree(files), below)
    return map_imports(str(root), sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py")))


def fan_in(result: ImportMap) -> dict[str, int]:
    return {hub["module"]: hub["count"] for hub in result["fan_in"]}


def test_absolute_and_relative_imports_lead_to_the_module_they_name(tree: Tree) -> None:
    result = mapped(
        tree,
        {
            "app.py": "import pkg.a\nfrom pkg import b\nfrom pkg.sub import deep, NAME\n",
            "pkg/__init__.py": "",
            "pkg/a.py": "from . import b\nfrom .sub.deep import x\nfrom .. import nothing\n",
            "pkg/b.py": "",
            "pkg/sub/__init__.py": "NAME = 1\n",
            "pkg/sub/deep.py": "from ..b import y\nfrom .. import NAME\n",
        },
    )
    assert fan_in(result) == {"pkg.b": 3, "pkg.sub.deep": 2, "pkg.a": 1, "pkg.sub": 1, "pkg": 1}
    assert [(hub["module"], hub["count"]) for hub in result["fan_out"]] == [
        ("app", 4),
        ("pkg.a", 2),
        ("pkg.sub.deep", 2),
    ]
    assert (result["modules"], result["edges"], result["cycles_total"]) == (6, 8, 0)


def test_cycles_are_found_exactly_with_a_way_round(tree: Tree) -> None:
    result = mapped(
        tree,
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "from . import b\n",
            "pkg/b.py": "from pkg import c\n",
            "pkg/c.py": "import pkg.a\n",
            "pkg/d.py": "from . import a\n",
            "x.py": "import y\n",
            "y.py": "import x\n",
        },
    )
    assert result["cycles"] == [
        {"size": 3, "modules": ["pkg.a", "pkg.b", "pkg.c"], "example": ["pkg.a", "pkg.b", "pkg.c"]},
        {"size": 2, "modules": ["x", "y"], "example": ["x", "y"]},
    ]
    assert (result["cycles_total"], result["modules_in_cycles"], result["later_cycles_total"]) == (2, 5, 0)


def test_a_cycle_that_only_a_function_closes_is_told_apart(tree: Tree) -> None:
    result = mapped(tree, {"a.py": "import b\n", "b.py": "def f():\n    import a\n"})
    assert result["cycles"] == []
    assert result["later_cycles"] == [{"size": 2, "modules": ["a", "b"], "example": ["a", "b"]}]
    assert (result["edges"], result["later_edges"]) == (2, 1)


def test_imports_for_type_checkers_close_no_cycle(tree: Tree) -> None:
    result = mapped(
        tree, {"a.py": "import b\n", "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\n"}
    )
    assert (result["cycles_total"], result["later_cycles_total"], result["typing_edges"]) == (0, 0, 1)


def test_a_submodule_does_not_depend_on_its_package_for_standing_in_it(tree: Tree) -> None:
    result = mapped(tree, {"p/__init__.py": "from . import a\n", "p/a.py": "from . import b\n", "p/b.py": ""})
    assert result["cycles_total"] == 0
    assert (result["depth"], result["layers"]) == (3, [1, 1, 1])


def test_a_name_taken_from_the_package_itself_does_close_a_cycle(tree: Tree) -> None:
    result = mapped(tree, {"p/__init__.py": "from . import a\nNAME = 1\n", "p/a.py": "from . import NAME\n"})
    assert [cycle["modules"] for cycle in result["cycles"]] == [["p", "p.a"]]


def test_a_root_inside_a_package_knows_its_full_name(tree: Tree) -> None:
    files: dict[str, str | bytes] = {
        "outer/__init__.py": "",
        "outer/inner/__init__.py": "",
        "outer/inner/subprocess.py": "from outer.inner import queues\n",
        "outer/inner/queues.py": "import subprocess\n",
    }
    result = mapped(tree, files, "outer/inner")
    assert fan_in(result) == {"outer.inner.queues": 1}
    assert [row["module"] for row in result["external"]] == ["subprocess"]


def test_source_folders_and_namespaces_are_understood(tree: Tree) -> None:
    result = mapped(
        tree,
        {
            "src/pkg/__init__.py": "",
            "src/pkg/a.py": "",
            "space/mod.py": "import pkg.a\n",
            "tests/test_a.py": "from pkg import a\nfrom space import mod\nimport space.mod\n",
        },
    )
    assert fan_in(result) == {"pkg.a": 2, "space.mod": 1}


def test_a_script_in_a_side_folder_does_not_shadow_the_standard_library(tree: Tree) -> None:
    result = mapped(tree, {"tools/email.py": "", "tools/send.py": "import email\n", "app.py": "import email\n"})
    assert [(hub["module"], hub["count"]) for hub in result["fan_in"]] == [("tools.email", 1)]
    assert result["external"] == [{"module": "email", "files": 1, "standard": True}]


def test_what_is_not_in_the_tree_is_counted_by_file(tree: Tree) -> None:
    result = mapped(tree, {"a.py": "import os.path, requests\nimport os\n", "b.py": "from os import sep\n"})
    assert result["external"] == [
        {"module": "os", "files": 2, "standard": True},
        {"module": "requests", "files": 1, "standard": False},
    ]


def test_a_name_with_two_candidates_is_left_open(tree: Tree) -> None:
    result = mapped(
        tree, {"one/p/__init__.py": "", "two/p/__init__.py": "", "two/p/x.py": "import p\n", "use.py": "import p\n"}
    )
    assert (result["edges"], result["ambiguous_names"]) == (1, 1)


def test_a_file_that_does_not_parse_stays_a_module_without_imports(tree: Tree) -> None:
    result = mapped(tree, {"a.py": "import b\n", "b.py": "import (\n"})
    assert (result["modules"], result["edges"], result["unparsed"]) == (2, 1, 1)


def test_an_empty_directory_maps_to_nothing(tree: Tree) -> None:
    result = mapped(tree, {})
    assert (result["modules"], result["edges"], result["depth"], result["layers"]) == (0, 0, 0, [])


def test_paths_may_be_handed_out_one_by_one_where_all_are_known(tree: Tree) -> None:
    root = tree({"a.py": "import b\n", "b.py": ""})
    assert map_imports(root, iter(["a.py", "b.py"]), known=["a.py", "b.py"])["edges"] == 1


@pytest.mark.parametrize(
    ("code", "when"),
    [
        ("import a", "import"),
        ("try:\n    import a\nexcept ImportError:\n    pass", "import"),
        ("class C:\n    import a", "import"),
        ("with x:\n    import a", "import"),
        ("match x:\n    case 1:\n        import a", "import"),
        ("def f():\n    import a", "later"),
        ("class C:\n    async def f(self):\n        if x:\n            import a", "later"),
        ("if __name__ == '__main__':\n    import a", "later"),
        ("if TYPE_CHECKING:\n    import a", "typing"),
        ("import typing as t\nif t.TYPE_CHECKING:\n    import a", "typing"),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import a", "import"),
    ],
)
def test_when_an_import_runs_is_seen_from_where_it_stands(code: str, when: str) -> None:
    found = {
        alias.name: statement.when
        for statement in import_statements(parse(code.encode()))
        for alias in statement.node.names
    }
    assert found["a"] == when
