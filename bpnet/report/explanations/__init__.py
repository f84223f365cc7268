"""Explanations as people read them: in a terminal, as Markdown, LaTeX or HTML."""
