# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""Features of datasets written as JSON: not built yet. The names are there for libraries that import them."""

from __future__ import annotations

from ._later import function

JSONSequenceTool = function("tools.JSONSequenceTool")
dataset_features_tool = function("tools.dataset_features_tool")
