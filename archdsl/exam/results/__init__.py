"""Grades as people and programs get them: a text, CSV, JSON, Markdown, Gradescope.

Every format prints a `Report`, and a report holds only what its release allows: what is not in it cannot slip out.
"""

from __future__ import annotations

from archdsl.exam.results.report import Line, Release, Report, Row, report

__all__ = ["Line", "Release", "Report", "Row", "report"]
