"""What becomes of the variants of a class: pages, a manifest, a table, and the folder that holds them."""
