"""Lords that review a directory of Python code: importing this package registers them."""

from .lords import codebase_review, find_risks, map_imports, measure_functions, survey_files, write_report

__all__ = [
    "codebase_review",
    "find_risks",
    "map_imports",
    "measure_functions",
    "survey_files",
    "write_report",
]
