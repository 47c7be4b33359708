"""Setting a document: as Markdown, as one HTML page, with SVG charts. Knows nothing of what it is about."""
