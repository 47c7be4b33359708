"""What a report is made from: the outputs of the four analyses."""

from dataclasses import dataclass

from .complexity import FunctionMeasures
from .imports import ImportMap
from .risks import Risks
from .survey import Survey


@dataclass(frozen=True, slots=True)
class Review:
    """The outputs of the four analyses."""

    survey: Survey
    imports: ImportMap
    functions: FunctionMeasures
    risks: Risks

    @property
    def lines_of_code(self) -> int:
        """Return the lines of code of all Python files."""
        return sum(totals["code"] for totals in self.survey["kinds"].values())
