"""What a part asks where it has no text of its own, in the Markdown of sheets."""

from __future__ import annotations

from archdsl.exam.asks import Question
from archdsl.exam.posed import Posed
from archdsl.exam.sheet import Part

ASKED = {
    "params": "How many parameters does {} have?",
    "weights": "How many weights does {} have, without biases?",
    "biases": "How many biases does {} have?",
    "buffers": "How many numbers does {} keep that are not learned, without counters of batches?",
    "macs": "How many multiply-accumulate operations does {} take for one sample?",
    "flops": "How many floating point operations does {} take for one sample?",
    "activations": "How many numbers are in the output of {}, for one sample?",
    "memory": "How many bytes of float32 does the output of {} take, for one sample?",
    "receptive_field": "What is the receptive field of one unit of {} (its side, in pixels)?",
    "jump": "How many pixels of the input lie between neighbouring units of {}?",
    "valid": "Can {} take what it is given?",
}
OF_NETS = {
    "shape": "What is the shape of the output{}?",
    "activations": "How many numbers are in all tensors of a forward pass, for one sample?",
    "memory": "How many bytes of float32 are alive at once at most, for one sample?",
    "receptive_field": "What is the receptive field of one unit of the output (its side, in pixels)?",
    "jump": "How many pixels of the input lie between neighbouring units of the output?",
    "valid": "Can every layer take what it is given?",
    "paths": "How many ways lead from the input to the output?",
}
"""Of a whole network, where that is put in other words."""


def question(part: Part, posed: Posed) -> str:
    """Return the question that an ask stands for."""
    term = part.ask.term
    if not isinstance(term, Question):
        return f"What is `{_plain(str(part.ask))}`?"
    if term.quantity == "shape":
        right = posed.truth(part)
        order = "height, width, channels" if posed.conventions.layout == "HWC" else "channels, height, width"
        named = f", without the batch ({order})" if isinstance(right, tuple) and len(right) == 3 else ""
        return (
            f"What is the output shape of `{_plain(term.place)}`{named}?"
            if term.place
            else OF_NETS["shape"].format(named)
        )
    if not term.place and term.quantity in OF_NETS:
        return OF_NETS[term.quantity]
    place = f"`{_plain(term.place)}`" if term.place else "the network"
    return ASKED.get(term.quantity, f"What is {term.quantity} of {{}}?").format(place)


def _plain(text: str) -> str:
    """Return a text that can stand between backticks."""
    return " ".join(text.replace("`", "'").split())
