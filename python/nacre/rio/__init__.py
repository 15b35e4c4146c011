# SPDX-License-Identifier: MIT
# Copyright the nacre authors
"""What libraries use of Rasterio's command. The command itself is not built; see ``nacre`` for nacre's own."""
