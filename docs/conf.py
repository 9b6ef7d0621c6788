# SPDX-License-Identifier: Apache-2.0
"""Settings of the documentation site; `./dev docs` stages the pages and calls Sphinx."""

import os
import re
from pathlib import Path

root = Path(os.environ.get("CARDIOMM_ROOT", Path(__file__).resolve().parent.parent))
_config = (root / "include/cardiomm/core/config.hpp").read_text()

project = "cardiomm"
copyright = "the cardiomm authors, Apache-2.0"  # noqa: A001 (Sphinx's name)
release = re.search(r'CARDIOMM_VERSION_STRING "([^"]+)"', _config).group(1)
version = release

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["attrs_block", "attrs_inline", "deflist", "smartquotes"]
myst_heading_anchors = 4
smartquotes = False
highlight_language = "text"
copybutton_only_copy_prompt_lines = False

html_theme = "furo"
html_title = f"cardiomm {release}"
html_static_path = ["_static"]
html_css_files = ["cardiomm.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#9d1c3a",
        "color-brand-content": "#9d1c3a",
        "font-stack--monospace": "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#ff8aa1",
        "color-brand-content": "#ff8aa1",
    },
}
