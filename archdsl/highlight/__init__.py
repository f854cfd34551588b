"""Colours for the language, in two notations: a lexer for Pygments and a grammar for editors that read TextMate's.

Both are made of the words that the grammar and the layers declare, so neither has a list of its own.
"""

from archdsl.highlight.lexer import ArchLexer
from archdsl.highlight.textmate import TEXTMATE, textmate

__all__ = ["TEXTMATE", "ArchLexer", "textmate"]
