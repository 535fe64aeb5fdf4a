"""Parts of HTML pages: templates, galleries, pairs of pictures side by side."""
