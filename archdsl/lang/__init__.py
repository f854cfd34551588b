"""Text to syntax tree. The only room that imports lark."""
