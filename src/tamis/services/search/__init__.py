"""Search: pictures near an example, a region or a text, and a page that shows them."""

from tamis.services.search.gallery import write_gallery
from tamis.services.search.search import Hit, Query, SearchReport, search

__all__ = ["Hit", "Query", "SearchReport", "search", "write_gallery"]
