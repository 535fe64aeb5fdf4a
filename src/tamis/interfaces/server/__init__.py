"""Faces over HTTP: the page of `tamis app` and what it asks; needs the extra `app`."""
