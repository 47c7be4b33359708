"""The sections of the report, each written from what one Lord has found."""

from .dependencies import dependencies_section
from .files import files_section
from .functions import functions_section
from .method import method_section
from .risks import risks_section

__all__ = ["dependencies_section", "files_section", "functions_section", "method_section", "risks_section"]
