"""A spec as PyTorch code: one module that stands alone, with a class for each definition and a builder a model."""

from jinja2 import TemplateError

from archdsl.codegen.naming import builder_names
from archdsl.codegen.source import generate, stamp, was_edited
from archdsl.codegen.translate import Unsupported

__all__ = ["TemplateError", "Unsupported", "builder_names", "generate", "stamp", "was_edited"]
