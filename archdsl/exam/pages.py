"""The page of a mistake, a convention or a slip: what `archdsl explain P04` shows."""

from __future__ import annotations

from archdsl.exam.mistakes import MISTAKES, SLIPS
from archdsl.exam.walk import Kind
from archdsl.manual.lessons import SCHEMA
from archdsl.manual.page import Page, Points, Prose, Section

KINDS = {
    Kind.RULE: "mistake",
    Kind.STRUCTURE: "mistake in reading the network",
    Kind.OTHER: "another quantity than the one asked",
    Kind.CONVENTION: "convention",
}


def page_of(query: str) -> Page | None:
    """Return the page of an id of the catalogue, or nothing where there is none of that name."""
    id = next((id for id in (query, query.upper(), query[:1].upper() + query[1:].lower()) if id in _IDS), None)
    if id is None:
        return None
    slip = next((slip for slip in SLIPS if slip.id == id), None)
    if slip is not None:
        facts: dict[str, object] = {"schema": SCHEMA, "kind": "slip", "id": id, "did": slip.did}
        return Page(id, "slip", (Prose(f"The answer {slip.did}."),), (), facts)
    rows = [mistake for mistake in MISTAKES if mistake.id == id]
    asks = sorted({ask for row in rows for ask in row.asks})
    forms = tuple(dict.fromkeys(f"{row.did}: `{row.formula}`" for row in rows))
    sure = (
        "A count that comes out like this is rarely met by chance: a report says it plainly."
        if any(row.firm for row in rows)
        else "Small numbers have many explanations: a report says what would lead to the answer, and no more."
    )
    blocks = (Prose(f"Somebody {rows[0].did}, and computed `{rows[0].formula}`."), Prose(sure))
    sections = [Section("Forms", (Points(forms),))] if len(forms) > 1 else []
    sections += [Section("Where it shows", (Prose(", ".join(f"`{ask}`" for ask in asks) or "in no number"),))]
    facts = {
        "schema": SCHEMA,
        "kind": "mistake",
        "id": id,
        "forms": [{"did": row.did, "formula": row.formula} for row in rows],
        "asks": asks,
    }
    return Page(id, KINDS[rows[0].kind], blocks, tuple(sections), facts)


_IDS = frozenset({*(mistake.id for mistake in MISTAKES), *(slip.id for slip in SLIPS)})
