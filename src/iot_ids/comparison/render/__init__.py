"""How a comparison is written: text, Markdown, LaTeX, pictures."""
