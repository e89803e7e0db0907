"""Render reports: what all sections' renderers share, the HTML page, and the model card."""

from headstart.reporting.drawing import start_drawing
from headstart.reporting.page import page_style, render, render_card, render_top
from headstart.reporting.rendering import Figure, Part, Rendering, Summary, template_of

__all__ = [
    "Figure",
    "Part",
    "Rendering",
    "Summary",
    "page_style",
    "render",
    "render_card",
    "render_top",
    "start_drawing",
    "template_of",
]
