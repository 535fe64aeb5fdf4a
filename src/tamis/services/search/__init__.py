"""Search: pictures near an example, a region or a text, and a page that shows them."""
